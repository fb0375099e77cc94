"""What the page is told: the state, since when, the health, and pictures on demand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgecls.bundle.images import decode_jpeg
from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.household import DaemonHousehold
from edgecls.daemon.process import disk_free_bytes, memory_bytes
from edgecls.daemon.watch import Seen
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.board import FakeBoard
from edgecls.testing.door import NOON, FakeDoor
from edgecls.vision.motion import Motion

STILL = Motion(False, (), 1.0, relit=False, same_s=0.0)
COUNTS = CaptureCounters(frames=9, dropped=2, restarts=1, connected=True, frames_per_s=3.9)


def seen(smoothed: float, *latencies_ms: float, frozen: bool = False) -> Seen:
    return Seen(STILL, smoothed, smoothed, frozen, latencies_ms, None)


class Clock:
    """A clock that a test turns: monotonic when called, and the wall's."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds - 1000.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def household(tmp_path: Path, clock: Clock) -> Iterator[DaemonHousehold]:
    store = Store(StoreSection(folder=tmp_path, free_bytes_min=0))
    reader = StoreReader(tmp_path)
    with store, reader:
        visit = store.start_visit("door", at=NOON, score=0.7, jpeg=b"picture")
        store.end_visit(visit.id, at=NOON, score=0.9, jpeg=None)
        yield DaemonHousehold(
            reader, FakeBoard(), camera="door (rtsp)", model="doors 1, int8",
            counts=lambda: COUNTS, clock=clock, now=clock.now,
        )  # fmt: skip


def test_before_the_first_frame(household: DaemonHousehold) -> None:
    now = household.now()
    assert (now.state, now.score, now.frame_age_s, now.problem) == ("no_picture", None, None, None)
    assert household.latest_jpeg() is None
    assert household.health().inference_p50_ms is None


def test_the_state_knows_since_when(household: DaemonHousehold, clock: Clock) -> None:
    door = FakeDoor()
    household.show(door.frame(), seen(0.1), somebody=False)
    clock.seconds += 60
    household.show(door.frame(), seen(0.9), somebody=True)
    clock.seconds += 60
    household.show(door.frame(), seen(0.8), somebody=True)
    now = household.now()
    assert (now.state, now.score) == ("person", 0.8)
    assert now.since == NOON + timedelta(seconds=60)
    assert now.frame_age_s == 119.5  # the frame's own time is half a second after the first's


def test_problems_are_told_the_camera_first(household: DaemonHousehold) -> None:
    household.show(FakeDoor().frame(), seen(0.1), somebody=False)
    household.storage_problem("disk full")
    assert household.now().problem == "disk full"
    assert household.now().state == "nobody"
    household.camera_problem("unplugged")
    assert household.now().problem == "unplugged"
    assert household.now().state == "no_picture"
    household.camera_problem(None)
    household.storage_problem(None)
    assert household.now().problem is None


def test_a_frozen_picture_is_no_state(household: DaemonHousehold) -> None:
    household.show(FakeDoor().frame(), seen(0.9, frozen=True), somebody=True)
    assert household.now().state == "no_picture"


def test_health(household: DaemonHousehold, clock: Clock) -> None:
    for latencies in ((2.0, 4.0), (), (30.0,)):
        household.show(FakeDoor().frame(), seen(0.1, *latencies), somebody=False)
    clock.seconds += 90
    health = household.health()
    assert health.board == "Fake Board 1 · Test OS 1"
    assert (health.camera, health.camera_connected) == ("door (rtsp)", True)
    assert (health.frames, health.frames_dropped, health.camera_restarts) == (3, 2, 1)
    assert health.frames_per_s == 3.9
    assert (health.inference_p50_ms, health.inferences) == (4.0, 3)
    assert (health.temperature_c, health.throttled) == (41.5, False)
    assert (health.model, health.uptime_s) == ("doors 1, int8", 90.0)
    assert health.disk_free_bytes > 0
    assert health.store_bytes > len(b"picture")
    assert 1e6 < health.memory_bytes < 1e11


def test_the_latest_frame_is_at_most_960_wide(household: DaemonHousehold) -> None:
    household.show(FakeDoor(width=1920, height=1080).frame(), seen(0.1), somebody=False)
    jpeg = household.latest_jpeg()
    assert jpeg is not None
    assert decode_jpeg(jpeg).shape == (540, 960, 3)
    assert household.latest_jpeg() is jpeg  # encoded once
    small = FakeDoor(width=640, height=360)
    small.wait(1)
    household.show(small.frame(), seen(0.1), somebody=False)
    again = household.latest_jpeg()
    assert again is not None
    assert decode_jpeg(again).shape == (360, 640, 3)


def test_visits_come_from_the_store(household: DaemonHousehold) -> None:
    (visit,) = household.visits(limit=5)
    assert household.visit(visit.id) == visit
    assert household.visit(99) is None
    assert household.snapshot(str(visit.snapshot)) == b"picture"
    assert household.snapshot("../edgecls.sqlite3") is None


def test_memory_counts_this_process() -> None:
    assert memory_bytes() > 1e6


def test_memory_adds_children_and_falls_back_to_the_resident_size(tmp_path: Path) -> None:
    own = tmp_path / str(os.getpid())
    (own / "task" / "1").mkdir(parents=True)
    (own / "task" / "1" / "children").write_text("77 78")
    (own / "smaps_rollup").write_text("head [rollup]\nRss: 900 kB\nPss: 500 kB\n")
    (own / "task" / "2" / "children").mkdir(parents=True)  # cannot be read: as if it had ended
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "statm").write_text("10 3 1 0 0 0 0")
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    assert memory_bytes(tmp_path) == 500 * 1024 + 3 * page_bytes


def test_a_folder_that_is_gone_has_no_room(tmp_path: Path) -> None:
    assert disk_free_bytes(tmp_path / "gone") == 0


def test_health_is_told_even_when_the_folder_is_gone(
    household: DaemonHousehold, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path)
    health = household.health()
    assert health.disk_free_bytes == 0
    assert health.store_bytes >= 0
