"""The recorder: a store that fails costs no visit, and never stops the watch."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgecls.bundle.images import decode_jpeg
from edgecls.daemon.recorder import RETRY_S, SWEEP_S, UNSAVED_MAX, Recorder
from edgecls.errors import StoreError
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.door import NOON, FakeDoor
from edgecls.types import Visit
from edgecls.vision.visits import Change, Sighting


class FailingStore:
    """A real store behind a disk that is full while `full` is set."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.full = False
        self.attempts = 0
        self.sweeps: list[datetime] = []

    def _try(self) -> None:
        self.attempts += 1
        if self.full:
            raise StoreError("cannot write: No space left on device")

    def start_visit(
        self,
        camera: str,
        *,
        at: datetime,
        score: float,
        jpeg: bytes,
        light: str = "day",
        tell: bool = True,
    ) -> Visit:
        self._try()
        return self._store.start_visit(
            camera, at=at, score=score, jpeg=jpeg, light=light, tell=tell
        )

    def add_frame(self, visit_id: int, *, at: datetime, jpeg: bytes) -> str:
        self._try()
        return self._store.add_frame(visit_id, at=at, jpeg=jpeg)

    def end_visit(
        self,
        visit_id: int,
        *,
        at: datetime,
        score: float,
        jpeg: bytes | None,
        interrupted: bool = False,
        tell: bool = True,
    ) -> Visit:
        self._try()
        return self._store.end_visit(
            visit_id, at=at, score=score, jpeg=jpeg, interrupted=interrupted, tell=tell
        )

    def sweep(self, *, now: datetime) -> None:
        self.sweeps.append(now)


class Desk:
    """A recorder, its store, a reader, and a clock that a test turns."""

    def __init__(self, store: Store, reader: StoreReader) -> None:
        self.store = FailingStore(store)
        self.reader = reader
        self.seconds = 0.0
        self.door = FakeDoor()
        self.recorder = Recorder(
            self.store, jpeg_quality=90, frames_max=3, clock=lambda: self.seconds, now=lambda: NOON
        )

    def arrived(self) -> Sighting:
        frame = self.door.frame()
        sighting = Sighting("door", NOON, frame.captured_s, frame.captured_s, 0.7, frame)
        self.recorder.take(Change("arrived", sighting))
        return sighting

    def left(self, sighting: Sighting, *, better: bool = False) -> None:
        best = self.door.frame((250, 60, 370, 350)) if better else sighting.best
        seen_s = sighting.started_s + 9
        end = Sighting("door", NOON, sighting.started_s, seen_s, 0.9, best)
        self.recorder.take(Change("left", end))

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.recorder.tick()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    section = StoreSection(folder=tmp_path, free_bytes_min=0)
    store = Store(section)
    reader = StoreReader(tmp_path)
    with store, reader:
        yield Desk(store, reader)


def test_a_visit_is_stored_as_it_happens(desk: Desk) -> None:
    sighting = desk.arrived()
    (visit,) = desk.reader.visits(limit=9)
    assert visit.ended_at is None
    first = visit.snapshot
    desk.left(sighting)
    (visit,) = desk.reader.visits(limit=9)
    assert visit.ended_at == NOON + timedelta(seconds=9)
    assert visit.peak_score == 0.9
    assert visit.snapshot == first
    assert desk.recorder.problem is None


def test_a_better_frame_becomes_the_snapshot(desk: Desk) -> None:
    desk.left(desk.arrived(), better=True)
    (visit,) = desk.reader.visits(limit=9)
    jpeg = desk.reader.snapshot(str(visit.snapshot))
    assert jpeg is not None
    assert decode_jpeg(jpeg)[200, 300].min() > 200


def test_an_arrival_the_disk_refused_is_stored_later(desk: Desk) -> None:
    desk.store.full = True
    sighting = desk.arrived()
    assert desk.recorder.problem == "cannot write: No space left on device"
    desk.wait(RETRY_S / 2)
    assert desk.store.attempts == 1  # it waits its turn
    desk.store.full = False
    desk.wait(RETRY_S)
    assert [visit.ended_at for visit in desk.reader.visits(limit=9)] == [None]
    assert desk.recorder.problem is None
    desk.left(sighting)
    assert desk.recorder.not_stored == 0


def test_visits_that_ended_meanwhile_are_all_stored(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    begun = desk.arrived()
    desk.store.full = True
    desk.left(begun, better=True)
    for _ in range(3):
        desk.left(desk.arrived(), better=True)
    assert desk.recorder.not_stored == 4
    desk.store.full = False
    desk.wait(RETRY_S)
    visits = desk.reader.visits(limit=9)
    assert [visit.id for visit in visits] == [4, 3, 2, 1]
    assert all(visit.ended_at and visit.peak_score == 0.9 for visit in visits)
    assert all(desk.reader.snapshot(str(visit.snapshot)) for visit in visits)
    assert desk.recorder.not_stored == 0
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1  # the first only, then how often
    assert "works again after 7 failures" in caplog.text


def test_memory_for_refused_visits_is_bounded_and_the_loss_is_told(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.store.full = True
    for _ in range(UNSAVED_MAX + 2):
        desk.left(desk.arrived())
    assert desk.recorder.lost == 2
    assert desk.recorder.not_stored == UNSAVED_MAX + 2
    assert "is lost" in caplog.text


def test_a_visit_whose_begin_is_stored_is_the_last_to_be_lost(desk: Desk) -> None:
    begun = desk.arrived()
    desk.store.full = True
    desk.left(begun)
    for _ in range(UNSAVED_MAX + 2):
        desk.left(desk.arrived())
    assert desk.recorder.lost == 3
    desk.store.full = False
    desk.wait(RETRY_S)
    visits = desk.reader.visits(limit=99)
    assert len(visits) == UNSAVED_MAX
    assert all(visit.ended_at for visit in visits)


def test_visits_that_wait_for_the_disk_keep_no_frame_in_memory(desk: Desk) -> None:
    desk.store.full = True
    sighting = desk.arrived()
    pixels = weakref.ref(sighting.best.pixels)
    desk.left(sighting, better=True)
    del sighting
    assert desk.recorder.not_stored == 1
    assert pixels() is None


def test_further_pictures_of_a_visit_come_ever_more_rarely(desk: Desk) -> None:
    desk.recorder.look(desk.door.frame())  # nobody is there
    sighting = desk.arrived()
    frames = [desk.door.frame() for _ in range(120)]  # half a minute
    for frame in frames:
        desk.recorder.look(frame)
    stored = desk.reader.frames(1)
    assert [(frame.at - NOON).total_seconds() for frame in stored] == [1.25, 3.25, 7.25]
    desk.left(sighting)
    desk.recorder.look(frames[-1])
    (visit,) = desk.reader.visits(limit=9)
    assert visit.frames == tuple(frame.file for frame in stored)


def test_a_picture_that_the_disk_refuses_is_left_out(desk: Desk) -> None:
    sighting = desk.arrived()
    desk.door.wait(2)
    desk.store.full = True
    desk.recorder.look(desk.door.frame())
    assert desk.recorder.problem == "cannot write: No space left on device"
    assert desk.recorder.not_stored == 0
    desk.store.full = False
    desk.left(sighting)
    assert desk.recorder.problem is None
    assert desk.reader.frames(1) == []


def test_it_sweeps_after_visits_and_every_hour(desk: Desk) -> None:
    desk.wait(0)
    assert len(desk.store.sweeps) == 1
    desk.wait(SWEEP_S - 1)
    assert len(desk.store.sweeps) == 1
    desk.wait(1)
    assert len(desk.store.sweeps) == 2
    desk.left(desk.arrived())
    assert len(desk.store.sweeps) == 3


def test_a_visit_of_the_quiet_hours_is_kept_and_nobody_is_told(tmp_path: Path) -> None:
    section = StoreSection(folder=tmp_path, free_bytes_min=0)
    with Store(section, sinks=["mqtt"]) as store, StoreReader(tmp_path) as reader:
        desk = Desk(store, reader)
        frame = desk.door.frame()
        quiet = Sighting("door", NOON, 1.0, 1.0, 0.7, frame, light="night", quiet=True)
        desk.recorder.take(Change("arrived", quiet))
        desk.recorder.take(Change("left", quiet))
        (visit,) = reader.visits(limit=9)
        assert (visit.light, visit.ended_at is not None) == ("night", True)
        assert len(reader.events()) == 2
        assert store.undelivered("mqtt") is None
        desk.arrived()
        told = store.undelivered("mqtt")
        assert told is not None
        assert told.event.kind == "visit_started"
