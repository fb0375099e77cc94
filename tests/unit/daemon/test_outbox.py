"""Draining the outbox: order, at least once, growing pauses with chance, and dead letters."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edgecls.daemon.outbox import IDLE_S, Drain
from edgecls.errors import SinkError, StoreError
from edgecls.sections.sinks import WebhookSinkSection
from edgecls.sections.store import StoreSection
from edgecls.store.outbox import Undelivered
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.door import NOON
from edgecls.testing.sink import FakeSink
from edgecls.types import SinkState


def away(message: str = "nobody there") -> SinkError:
    return SinkError(message, retryable=True)


class Rig:
    """A real store, a fake sink and a drain between them; chance is what the test says."""

    def __init__(self, store: Store, reader: StoreReader) -> None:
        self.store = store
        self.reader = reader
        self.chance = 0.0
        self.sink = FakeSink()
        self.sink.is_open = True
        section = WebhookSinkSection(
            kind="webhook", name="hook", url="http://a/b", secret="s",
            retry_min_s=1, retry_max_s=60, attempts_max=5,
        )  # fmt: skip
        self.drain = Drain(section, self.sink, store, chance=lambda: self.chance)

    def add(self, count: int) -> None:
        for number in range(count):
            at = NOON + timedelta(seconds=number)
            self.store.add_event("pressed", camera="door", at=at, jpeg=bytes([number + 1]))

    @property
    def told(self) -> list[int]:
        return [event.id for event, _ in self.sink.delivered]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    store = Store(StoreSection(folder=tmp_path, free_bytes_min=0), sinks=("hook",))
    with store, StoreReader(tmp_path) as reader:
        yield Rig(store, reader)


def test_events_are_delivered_in_order_with_their_pictures(rig: Rig) -> None:
    rig.add(3)
    assert [rig.drain.step() for _ in range(4)] == [0.0, 0.0, 0.0, None]
    assert rig.told == [1, 2, 3]
    assert [jpeg for _, jpeg in rig.sink.delivered] == [b"\x01", b"\x02", b"\x03"]
    assert list(rig.reader.outbox_state()) == []


def test_the_first_holds_up_the_others_until_it_is_delivered(rig: Rig) -> None:
    rig.add(2)
    rig.sink.failures = [away(), away()]
    while rig.drain.step() is not None:
        pass
    assert rig.told == [1, 2]
    assert rig.sink.attempts == 4


def test_pauses_double_up_to_the_longest_and_start_anew_after_a_success(rig: Rig) -> None:
    rig.add(2)
    rig.sink.failures = [away()] * 4
    assert [rig.drain.step() for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 0.0]
    rig.sink.failures = [away()]
    assert rig.drain.step() == 1.0


@pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5)])
def test_chance_shortens_a_pause_by_half_at_most(rig: Rig, chance: float, pause_s: float) -> None:
    rig.add(1)
    rig.chance = chance
    rig.sink.failures = [away()]
    assert rig.drain.step() == pause_s


def test_no_pause_is_longer_than_the_section_says(rig: Rig) -> None:
    rig.add(1)
    rig.sink.failures = [SinkError("no broker", retryable=True, reached=False)] * 1100
    pauses = [rig.drain.step() for _ in range(1100)]
    assert pauses[5:8] == [32.0, 60.0, 60.0]
    assert set(pauses[7:]) == {60.0}  # and nothing overflows


def test_after_the_limit_it_is_given_up_counted_and_can_be_put_back(rig: Rig) -> None:
    rig.add(2)
    rig.sink.failures = [away(f"failure {number}") for number in range(5)]
    pauses = [rig.drain.step() for _ in range(5)]
    assert pauses[-1] == 0.0  # the next one's turn, at once
    assert rig.drain.dead == 1
    assert list(rig.reader.outbox_state()) == [SinkState("hook", 1, 1, "failure 4")]
    assert rig.drain.step() == 0.0
    assert rig.told == [2]
    assert rig.store.requeue("hook") == 1
    assert [rig.drain.step(), rig.drain.step()] == [0.0, None]
    assert rig.told == [2, 1]


def test_while_nobody_is_there_nothing_is_given_up(rig: Rig) -> None:
    rig.add(2)
    rig.sink.failures = [SinkError("no broker", retryable=True, reached=False)] * 50
    assert None not in [rig.drain.step() for _ in range(50)]
    assert list(rig.reader.outbox_state()) == [SinkState("hook", 2, 0, "no broker")]
    assert [rig.drain.step() for _ in range(3)] == [0.0, 0.0, None]
    assert rig.told == [1, 2]


def test_what_will_never_work_is_given_up_at_once(rig: Rig) -> None:
    rig.add(2)
    rig.sink.failures = [SinkError("answered 400", retryable=False)]
    assert [rig.drain.step() for _ in range(3)] == [0.0, 0.0, None]
    assert rig.told == [2]
    assert list(rig.reader.outbox_state()) == [SinkState("hook", 0, 1, "answered 400")]


def test_attempts_are_counted_across_restarts(rig: Rig) -> None:
    rig.add(1)
    rig.sink.failures = [away()] * 9
    for _ in range(3):
        rig.drain.step()
    again = Drain(rig.drain._section, rig.sink, rig.store, chance=lambda: 0.0)
    assert [again.step() for _ in range(2)] == [1.0, 0.0]
    assert again.dead == 1


class BrokenStore:
    """A store whose disk fails."""

    def undelivered(self, sink: str) -> Undelivered | None:
        raise StoreError("disk I/O error")

    def delivered(self, sink: str, event_id: int) -> None:
        raise AssertionError

    def not_delivered(
        self, sink: str, event_id: int, *, error: str, dead: bool, counts: bool = True
    ) -> None:
        raise AssertionError

    def snapshot(self, name: str) -> bytes | None:
        raise AssertionError


def test_a_store_that_fails_is_waited_for(rig: Rig) -> None:
    drain = Drain(rig.drain._section, rig.sink, BrokenStore(), chance=lambda: 0.0)
    assert [drain.step(), drain.step()] == [1.0, 2.0]


def test_it_runs_until_it_is_stopped_and_says_good_bye(rig: Rig) -> None:
    rig.add(2)
    running = threading.Thread(target=rig.drain.run)
    running.start()
    rig.add(1)
    rig.drain.ring()
    rig.drain.stop()
    running.join(IDLE_S)
    assert not running.is_alive()
    assert rig.told == [1, 2, 3]


def test_a_sink_that_fails_does_not_hold_up_the_end(rig: Rig) -> None:
    rig.add(1)
    rig.sink.failures = [away()] * 99
    running = threading.Thread(target=rig.drain.run)
    running.start()
    while rig.sink.attempts == 0:
        pass
    rig.drain.stop()
    running.join(5)
    assert not running.is_alive()
    assert rig.sink.attempts <= 2
