"""Whatever happens to deliveries: order per sink, nothing lost, nothing told that is not stored."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgecls.daemon.outbox import Drain
from edgecls.errors import SinkError
from edgecls.sections.sinks import WebhookSinkSection
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.door import NOON
from edgecls.testing.sink import FakeSink

SINKS = ("first", "second")
ATTEMPTS_MAX = 3

ADD, RESTART = st.just(("add", "", 0)), st.just(("restart", "", 0))
STEP = st.tuples(st.just("step"), st.sampled_from(SINKS), st.sampled_from((0, 1, 2)))
"""A delivery that works (0), that may work later (1), or never (2)."""
REQUEUE = st.tuples(st.just("requeue"), st.sampled_from(SINKS), st.just(0))


def section(name: str) -> WebhookSinkSection:
    return WebhookSinkSection(
        kind="webhook", name=name, url="http://a/b", secret="s", attempts_max=ATTEMPTS_MAX
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(ADD, STEP, STEP, REQUEUE, RESTART), max_size=30))
def test_every_event_is_delivered_or_a_dead_letter(actions: list[tuple[str, str, int]]) -> None:
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        place = StoreSection(folder=Path(folder), free_bytes_min=0)
        told = {name: FakeSink() for name in SINKS}
        for sink in told.values():
            sink.is_open = True
        added = 0
        store = Store(place, sinks=SINKS)
        store.__enter__()
        try:
            for action, name, fate in actions:
                if action == "add":
                    added = store.add_event("pressed", camera="door", at=NOON).id
                elif action == "requeue":
                    store.requeue(name)
                elif action == "restart":
                    store.close()
                    store = Store(place, sinks=SINKS)
                    store.__enter__()
                else:
                    failure = SinkError("no", retryable=fate == 1)
                    told[name].failures = [failure] if fate else []
                    Drain(section(name), told[name], store).step()
            for name, sink in told.items():
                firsts = [event.id for event, _ in sink.delivered]
                requeued = any(done == ("requeue", name, 0) for done in actions)
                assert requeued or firsts == sorted(firsts)
                sink.failures = []
                store.requeue(name)
                drain = Drain(section(name), sink, store)
                while drain.step() is not None:
                    pass
                assert {event.id for event, _ in sink.delivered} == set(range(1, added + 1))
            with StoreReader(place.folder) as reader:
                assert reader.outbox_state() == ()
        finally:
            store.close()
