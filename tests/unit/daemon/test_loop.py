"""The loop: decisions are told and stored, camera trouble passes, every way out ends a visit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from edgecls.config import from_mapping
from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.desk import CameraDesk
from edgecls.daemon.event_recorder import EventRecorder
from edgecls.daemon.loop import LOST_S, PAUSE_S, POLL_S, Loop
from edgecls.daemon.recorder import Recorder
from edgecls.daemon.watch import Decider, Seen, Watch
from edgecls.errors import CameraError, EdgeclsError, MissingDependencyError, StoreError
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.camera import FakeCamera
from edgecls.testing.door import NOON, FakeDoor
from edgecls.testing.judge import FakeJudge
from edgecls.types import Frame, Pixels, Visit

NEAR = (250, 60, 370, 350)
POLLS = 30


class CountingStop(threading.Event):
    """An event whose waits are counted and cost no time; it is set after half a minute of polls."""

    def __init__(self, turn: Callable[[float], None]) -> None:
        super().__init__()
        self.waited_s: list[float | None] = []
        self._turn = turn

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(timeout)
        self._turn(timeout or 0.0)
        if timeout is None or self.waited_s.count(POLL_S) == POLLS:
            self.set()  # nobody else would ever
        return self.is_set()


class StoreFullAtFirst(Store):
    """A store whose first write fails."""

    refused = 0

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
        if not self.refused:
            self.refused += 1
            raise StoreError("cannot write: No space left on device")
        return super().start_visit(camera, at=at, score=score, jpeg=jpeg, light=light, tell=tell)


class Daemon:
    """Everything but the capture process and the page, on a scripted camera."""

    def __init__(self, store: Store, reader: StoreReader) -> None:
        self.reader = reader
        self.store = store
        self.door = FakeDoor()
        self.stop = CountingStop(self.turn)
        self.lines: list[str] = []
        self.signs: list[Seen | None] = []
        self.away = True
        self.seconds = 1000.0
        self.stop_at: int | None = None
        self.desk = CameraDesk(
            "door", "rtsp", counts=CaptureCounters, clock=lambda: 1000.0, now=lambda: NOON
        )

    def run(self, script: Sequence[Pixels | EdgeclsError], *, once: bool = True) -> None:
        config = from_mapping(
            {"camera": {"kind": "demo"}, "visit": {"lost_after_s": 2}}, origin="test"
        )
        daemon = self

        class Door(FakeCamera):
            def read(self, timeout_s: float) -> Frame:
                daemon.seconds += 0.25
                frame = super().read(timeout_s)
                if frame.sequence == daemon.stop_at:
                    daemon.stop.set()
                return frame

        with Door(script, clock=lambda: self.seconds, now=lambda: NOON) as camera:
            Loop(
                camera,
                Watch(config, Decider(FakeJudge(), "person", 0.5, 96)),
                Recorder(self.store, jpeg_quality=80, clock=lambda: self.seconds, now=lambda: NOON),
                self.desk,
                EventRecorder(self.store, clock=lambda: self.seconds),
                label="person",
                signs=self.signs.append,
                now=lambda: NOON,
                announce=self.lines.append,
                stop=self.stop,
                failing=lambda: self.away,
                clock=lambda: self.seconds,
            ).run(once=once)

    def turn(self, seconds: float) -> None:
        self.seconds += seconds

    def empty(self, seconds: float) -> list[Pixels]:
        return [self.door.pixels() for _ in range(round(seconds * 4))]

    def somebody(self, seconds: float) -> list[Pixels]:
        return [self.door.pixels(NEAR) for _ in range(round(seconds * 4))]

    @property
    def told(self) -> list[str]:
        """Return what was announced, without the times of day."""
        return [line[9:] for line in self.lines]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    store = Store(StoreSection(folder=tmp_path, free_bytes_min=0))
    reader = StoreReader(tmp_path)
    with store, reader:
        yield Daemon(store, reader)


def test_a_visit_is_announced_and_stored(daemon: Daemon) -> None:
    daemon.run([*daemon.empty(2), *daemon.somebody(10), *daemon.empty(6)])
    assert daemon.told == ["person arrived (0.95)", "person left after 10 s"]
    (visit,) = daemon.reader.visits(limit=9)
    assert visit.ended_at is not None
    assert not visit.interrupted
    now = daemon.desk.now()
    assert (now.state, now.problem) == ("nobody", None)
    assert daemon.desk.health().frames == 72


def test_the_end_of_the_film_ends_the_visit(daemon: Daemon) -> None:
    daemon.run([*daemon.empty(2), *daemon.somebody(5)])
    assert daemon.told == [
        "person arrived (0.95)",
        "person still there after 4 s, when the watch ended",
    ]
    (visit,) = daemon.reader.visits(limit=9)
    assert visit.interrupted
    assert visit.ended_at is not None


def test_asked_to_stop_it_ends_the_visit(daemon: Daemon) -> None:
    daemon.stop_at = 20
    daemon.run([*daemon.empty(1), *daemon.somebody(60)], once=False)
    assert [event.kind for event in daemon.reader.events()] == ["visit_started", "visit_ended"]
    assert daemon.desk.health().frames == 21


def test_camera_trouble_is_told_once_and_passes(daemon: Daemon) -> None:
    gone = CameraError("camera 'door': unplugged")
    daemon.run([*daemon.empty(1), *[gone] * 5, *daemon.empty(1)], once=False)
    assert daemon.told[:2] == ["no picture: camera 'door': unplugged", "the picture is back"]
    pauses = [seconds for seconds in daemon.stop.waited_s if seconds != POLL_S]
    assert len(pauses) == 5  # after each failure, so that no failing camera makes a busy loop


def test_a_camera_that_stays_away_is_told_as_lost_and_as_back(daemon: Daemon) -> None:
    gone = CameraError("camera 'door': unplugged")
    reads = round(LOST_S / PAUSE_S) + 2
    daemon.run([*daemon.empty(1), *[gone] * reads, *daemon.empty(1)], once=False)
    events = [(event.kind, event.camera, event.visit_id) for event in daemon.reader.events()]
    assert events == [("camera_lost", "door", None), ("camera_back", "door", None)]


def test_a_hiccup_of_the_camera_is_no_event(daemon: Daemon) -> None:
    gone = CameraError("camera 'door': unplugged")
    daemon.run([*daemon.empty(1), *[gone] * 9, *daemon.empty(1), *[gone] * 9], once=False)
    assert list(daemon.reader.events()) == []


def test_each_step_gives_a_sign_of_life(daemon: Daemon) -> None:
    daemon.away = False
    gone = CameraError("camera 'door': unplugged")
    daemon.run([*daemon.empty(0.5), gone, *daemon.empty(0.25)])
    assert [sign is None for sign in daemon.signs] == [False, False, True, False]


def test_a_quiet_second_is_no_trouble(daemon: Daemon) -> None:
    daemon.away = False
    daemon.run([*daemon.empty(1), CameraError("no frame within 1 s"), *daemon.empty(1)])
    assert daemon.told == []


def test_a_visit_does_not_wait_for_a_lost_camera_for_ever(daemon: Daemon) -> None:
    gone = CameraError("camera 'door': unplugged")
    daemon.run([*daemon.empty(1), *daemon.somebody(3), *[gone] * 12], once=False)
    assert daemon.told[0] == "person arrived (0.95)"
    assert daemon.told[2] == "person still there after 2 s, then the picture was lost"
    (visit,) = daemon.reader.visits(limit=9)
    assert visit.interrupted


def test_what_has_ended_is_told_and_the_page_stays(daemon: Daemon) -> None:
    daemon.run(daemon.empty(1), once=False)
    assert daemon.stop.waited_s == [POLL_S] * POLLS  # until somebody stops it
    now = daemon.desk.now()
    assert now.state == "no_picture"
    assert now.problem == "the fake camera's script has ended"


def test_after_the_last_frame_the_visit_ends_and_the_store_is_tried_again(tmp_path: Path) -> None:
    store = StoreFullAtFirst(StoreSection(folder=tmp_path, free_bytes_min=0))
    with store, StoreReader(tmp_path) as reader:
        daemon = Daemon(store, reader)
        seen: list[tuple[str | None, int]] = []

        def look(seconds: float) -> None:
            daemon.seconds += seconds
            if seconds == POLL_S:
                ended = [visit for visit in reader.visits(limit=9) if visit.ended_at]
                seen.append((daemon.desk.now().problem, len(ended)))

        daemon.stop = CountingStop(look)
        film = [*daemon.empty(2), *daemon.somebody(3)]
        daemon.run(film, once=False)
        assert store.refused == 1
        assert daemon.told[-1].startswith("person still there after")
        assert seen[-1] == ("the fake camera's script has ended", 1)


@pytest.mark.parametrize("error", [CameraError("unplugged"), MissingDependencyError("no PyAV")])
def test_once_does_not_wait_for_a_camera_that_fails(daemon: Daemon, error: EdgeclsError) -> None:
    with pytest.raises(type(error)):
        daemon.run([*daemon.somebody(3), error], once=True)
    assert [event.kind for event in daemon.reader.events()] == ["visit_started", "visit_ended"]


def test_a_covered_camera_is_told_and_stored_with_its_picture(daemon: Daemon) -> None:
    hand = [daemon.door.pixels() // 255 + 30 for _ in range(60)]
    daemon.run([*daemon.empty(12), *hand, *daemon.empty(6)])
    assert daemon.told == [
        "the camera is covered: nothing is to be seen",
        "the camera sees its usual view again",
    ]
    events = daemon.reader.events()
    assert [(event.kind, event.detail) for event in events] == [
        ("tampered", "covered"),
        ("tampered", "over"),
    ]
    assert all(event.snapshot and daemon.reader.snapshot(event.snapshot) for event in events)
