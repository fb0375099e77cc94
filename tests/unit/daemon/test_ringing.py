"""What the page is told when it rings is true: a press that was taken is stored, always."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgecls import config
from edgecls.daemon.event_recorder import EventRecorder
from edgecls.daemon.ringing import Ringing
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.triggers.waiting import WAITING_MAX
from edgecls.types import Frame

PATIENCE_S = 20.0
HOUSE = {"camera": {"kind": "demo", "name": "front"}, "triggers": [{"kind": "http"}]}


class Dark:
    """A camera without a frame: each press waits for one in vain."""

    name = "front"

    def newest_frame(self) -> Frame | None:
        return None

    def judge_press(self, frame: Frame) -> tuple[float, bool]:
        raise AssertionError(frame)


@dataclass
class Rig:
    """A page that rings, and the events that came of it."""

    ringing: Ringing
    reader: StoreReader
    stop: threading.Event = field(default_factory=threading.Event)

    def ring(self) -> bool:
        ring = self.ringing.by_http
        assert ring is not None
        return ring("page")

    def ring_first(self) -> None:
        """Ring as soon as it is heard: it opens in a moment."""
        until_s = time.monotonic() + PATIENCE_S
        while not self.ring():
            assert time.monotonic() < until_s, "nobody hears the bell"
            assert not self.stop.wait(0.01), "a thread that hears the bell has failed"

    @property
    def stored(self) -> int:
        return len(self.reader.presses(limit=999))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    store = Store(StoreSection(folder=tmp_path, free_bytes_min=0))
    with store, StoreReader(tmp_path) as reader:
        ringing = Ringing(
            config.from_mapping(HOUSE, origin="house"), [Dark()],
            EventRecorder(store, clock=lambda: 0.0), label="person", announce=lambda _: None,
        )  # fmt: skip
        yield Rig(ringing, reader)


def test_what_was_taken_before_the_end_is_stored(rig: Rig) -> None:
    with rig.ringing.heard(rig.stop):
        rig.ring_first()
        assert rig.ring()
    assert rig.stored == 2


def test_what_comes_while_it_ends_is_stored_or_refused(rig: Rig) -> None:
    """Somebody leans on the bell from before the beginning until after the end."""
    over, answers = threading.Event(), list[bool]()

    def lean() -> None:
        while not over.wait(0.02):
            answers.append(rig.ring())

    leaning = threading.Thread(target=lean, daemon=True)
    leaning.start()
    with rig.ringing.heard(rig.stop):
        rig.stop.wait(0.3)
        rig.stop.set()  # as SIGTERM does
    over.set()
    leaning.join(10)
    assert answers.count(True) >= 1
    assert rig.stored == answers.count(True)
    assert not answers[-1]


def test_too_many_are_refused(rig: Rig) -> None:
    with rig.ringing.heard(rig.stop):
        rig.ring_first()
        answers = [rig.ring() for _ in range(WAITING_MAX + 3)]
        assert False in answers
        rig.stop.set()
    assert rig.stored == 1 + answers.count(True)


def test_nothing_is_taken_before_the_beginning_and_after_the_end(rig: Rig) -> None:
    assert not rig.ring()
    with rig.ringing.heard(rig.stop):
        pass
    assert not rig.ring()
    assert rig.stored == 0
