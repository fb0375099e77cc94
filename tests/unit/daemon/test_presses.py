"""A press: its picture within 300 ms, a judgement, and an event in every case."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgecls.bundle.images import decode_jpeg
from edgecls.daemon.event_recorder import EventRecorder
from edgecls.daemon.presses import SNAPSHOT_S, STALE_S, WAITING_MAX, Presses
from edgecls.errors import InferenceError, StoreError
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.door import NOON, FakeDoor
from edgecls.testing.trigger import FakeTrigger
from edgecls.types import Event, Frame, Press

NEAR = (250, 60, 370, 350)


class Porch:
    """A camera whose newest frame, and the model's word about it, the test says."""

    name = "front"

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.judged: list[Frame] = []
        self.somebody = True
        self.model_fails = False

    def newest_frame(self) -> Frame | None:
        return self.frames[-1] if self.frames else None

    def judge_press(self, frame: Frame) -> tuple[float, bool]:
        if self.model_fails:
            raise InferenceError("the model failed")
        self.judged.append(frame)
        return (0.9, True) if self.somebody else (0.1, False)


class Disk:
    """A store that a test fills up; `refused` is called when it has been of no use."""

    def __init__(self, store: Store) -> None:
        self.full = False
        self.refused: Callable[[], None] = lambda: None
        self._store = store

    def make_room(self) -> None:
        self.full = False

    def add_event(self, kind: str, **fields: Any) -> object:  # Any: as `Store.add_event` has them
        if self.full:
            self.refused()
            raise StoreError("No space left on device")
        return self._store.add_event(kind, **fields)


class Rig:
    """Presses at a porch, with a clock that only their own pauses turn."""

    def __init__(self, store: Store, reader: StoreReader) -> None:
        self.reader = reader
        self.porch = Porch()
        self.door = FakeDoor()
        self.seconds = self.door.at_s
        self.lines: list[str] = []
        self.told: list[str] = []
        self.camera_wakes_s: float | None = None
        self.announced: Callable[[], None] = lambda: None
        self.disk = Disk(store)
        self.stop = threading.Event()
        self.presses = Presses(
            {"bell": self.porch},
            EventRecorder(self.disk, clock=lambda: self.seconds),
            label="person", jpeg_quality=90, announce=self.announce, told=self.told.append,
            clock=lambda: self.seconds, pause=self.pause,
        )  # fmt: skip

    def frame(self, person: tuple[int, int, int, int] | None = None) -> Frame:
        frame = self.door.frame(person)
        self.porch.frames.append(frame)
        return frame

    def announce(self, line: str) -> None:
        self.lines.append(line)
        self.announced()

    def pause(self, seconds: float) -> None:
        self.seconds += seconds
        if self.camera_wakes_s is not None and self.seconds >= self.camera_wakes_s:
            self.camera_wakes_s = None
            self.frame()

    def ring(self) -> tuple[Event, float]:
        """Press; return the event, and how long the press was held up, in seconds."""
        began_s = self.seconds
        self.presses.ring(Press(NOON, "bell"))
        took_s = self.seconds - began_s
        self.stop.set()
        self.presses.run(self.stop)
        return self.reader.presses(limit=1)[0], took_s


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    store = Store(StoreSection(folder=tmp_path, free_bytes_min=0))
    with store, StoreReader(tmp_path) as reader:
        yield Rig(store, reader)


def test_somebody_rings(rig: Rig) -> None:
    frame = rig.frame(NEAR)
    event, took_s = rig.ring()
    assert took_s == 0.0  # the newest frame is fresh: nobody waits
    assert (event.kind, event.camera, event.at) == ("pressed", "front", NOON)
    assert (event.somebody, event.score) == (True, 0.9)
    jpeg = rig.reader.snapshot(str(event.snapshot))
    assert jpeg is not None
    assert decode_jpeg(jpeg).shape == frame.pixels.shape
    assert [line[9:] for line in rig.lines] == ["pressed, person"]
    assert rig.told == ["bell"]


def test_nobody_is_to_be_seen(rig: Rig) -> None:
    rig.frame()
    rig.porch.somebody = False
    event, _ = rig.ring()
    assert (event.somebody, event.score) == (False, 0.1)
    assert event.snapshot is not None
    assert rig.lines[0].endswith(" pressed, nobody")


def test_without_any_picture_it_is_an_event_too(rig: Rig) -> None:
    event, took_s = rig.ring()
    assert (event.somebody, event.score, event.snapshot) == (None, None, None)
    assert took_s == pytest.approx(SNAPSHOT_S)  # rounding of sums of pauses
    assert rig.lines[0].endswith(" pressed, no picture")


def test_an_old_frame_is_not_taken_while_a_new_one_may_come(rig: Rig) -> None:
    rig.frame()
    rig.door.wait(1)
    rig.seconds += 1.0
    rig.camera_wakes_s = rig.seconds + 0.1
    event, took_s = rig.ring()
    assert took_s < SNAPSHOT_S
    assert rig.porch.judged == [rig.porch.frames[-1]]
    assert event.somebody


def test_a_slow_camera_gives_the_newest_it_has(rig: Rig) -> None:
    rig.frame()
    rig.seconds += 2.0
    event, took_s = rig.ring()
    assert took_s == pytest.approx(SNAPSHOT_S)  # rounding of sums of pauses
    assert event.snapshot is not None


def test_a_camera_that_is_away_gives_no_old_picture(rig: Rig) -> None:
    rig.frame()
    rig.seconds += STALE_S + 0.1
    event, _ = rig.ring()
    assert (event.somebody, event.snapshot) == (None, None)


def test_a_model_that_fails_loses_no_press(rig: Rig) -> None:
    rig.frame()
    rig.porch.model_fails = True
    event, _ = rig.ring()
    assert (event.somebody, event.score) == (None, None)
    assert event.snapshot is not None
    assert rig.lines[0].endswith(" pressed, not judged")


def test_who_leans_on_the_button_fills_no_memory(rig: Rig) -> None:
    rig.frame()
    trigger = FakeTrigger("bell")
    for _ in range(WAITING_MAX + 3):
        assert trigger.ring()
    listening = threading.Thread(target=rig.presses.listen, args=(trigger, rig.stop))
    listening.start()
    for _ in range(2000):
        if len(rig.told) > WAITING_MAX:
            break
        threading.Event().wait(0.01)
    assert len(rig.told) == WAITING_MAX + 1  # the next one is not even looked at
    rig.stop.set()
    answering = threading.Thread(target=rig.presses.run, args=(unheard := threading.Event(),))
    answering.start()
    listening.join(10)
    unheard.set()
    answering.join(10)
    assert len(rig.reader.presses(limit=99)) == WAITING_MAX + 3


def test_a_press_that_nobody_judges_holds_up_no_end(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.stop.set()
    rig.presses.run(rig.stop)
    rig.presses.ring(Press(NOON, "bell"))
    assert "a press of bell is lost" in caplog.text


def test_what_the_disk_refused_is_tried_once_more_at_the_end(rig: Rig) -> None:
    rig.frame()
    rig.disk.full = True
    stop = threading.Event()
    rig.announced = stop.set  # as SIGTERM does, while the press is being answered
    rig.disk.refused = rig.disk.make_room
    rig.presses.ring(Press(NOON, "bell"))
    rig.presses.run(stop)
    assert len(rig.reader.presses(limit=9)) == 1


def test_presses_that_a_failure_leaves_behind_are_told(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        rig.presses.ring(Press(NOON, "bell"))

    def fail() -> None:
        raise ZeroDivisionError

    rig.announced = fail
    with pytest.raises(ZeroDivisionError):
        rig.presses.run(rig.stop)
    assert caplog.messages.count("a press of bell is lost: nobody judges any more") == 2
    rig.presses.ring(Press(NOON, "bell"))
    assert caplog.messages.count("a press of bell is lost: nobody judges any more") == 3


def test_it_listens_to_a_trigger_until_it_is_stopped(rig: Rig) -> None:
    rig.frame()
    trigger = FakeTrigger("bell")
    listening = threading.Thread(target=rig.presses.listen, args=(trigger, rig.stop))
    answering = threading.Thread(target=rig.presses.run, args=(rig.stop,))
    listening.start()
    answering.start()
    trigger.ring()
    trigger.ring()
    for _ in range(2000):
        if len(rig.lines) == 2:
            break
        threading.Event().wait(0.01)
    rig.stop.set()
    listening.join(10)
    answering.join(10)
    assert len(rig.reader.presses(limit=9)) == 2
