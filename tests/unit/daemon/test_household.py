"""What the page is told: the state, since when, the health, and pictures on demand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from edgecls.bundle.images import decode_jpeg
from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.desk import CameraDesk
from edgecls.daemon.history import SAMPLES_MAX, History
from edgecls.daemon.household import DaemonHousehold
from edgecls.daemon.process import disk_free_bytes, memory_bytes
from edgecls.daemon.watch import Seen
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.board import FakeBoard
from edgecls.testing.door import NOON, FakeDoor
from edgecls.vision.motion import Motion
from edgecls.web.source import ModelInUse, Sample
from tests.household import MODEL

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
def desk(clock: Clock) -> CameraDesk:
    return CameraDesk("door", "rtsp", counts=lambda: COUNTS, clock=clock, now=clock.now)


@pytest.fixture
def household(tmp_path: Path, clock: Clock, desk: CameraDesk) -> Iterator[DaemonHousehold]:
    store = Store(StoreSection(folder=tmp_path, free_bytes_min=0), sinks=["mqtt"])
    reader = StoreReader(tmp_path)
    with store, reader:
        visit = store.start_visit("door", at=NOON, score=0.7, jpeg=b"picture")
        store.end_visit(visit.id, at=NOON, score=0.9, jpeg=None)
        yield DaemonHousehold(
            reader, store, FakeBoard(), [desk], model=ModelInUse(MODEL, "tflite-int8"),
            sinks=["mqtt", "webhook"], clock=clock, now=clock.now,
        )  # fmt: skip


def test_before_the_first_frame(household: DaemonHousehold) -> None:
    now = household.now("door")
    assert (now.state, now.score, now.frame_age_s, now.problem) == ("no_picture", None, None, None)
    assert household.latest_jpeg("door") is None
    assert household.health().inference_p50_ms is None


def test_the_state_knows_since_when(
    household: DaemonHousehold, desk: CameraDesk, clock: Clock
) -> None:
    door = FakeDoor()
    desk.show(door.frame(), seen(0.1), somebody=False)
    clock.seconds += 60
    desk.show(door.frame(), seen(0.9), somebody=True)
    clock.seconds += 60
    desk.show(door.frame(), seen(0.8), somebody=True)
    now = household.now("door")
    assert (now.state, now.score) == ("person", 0.8)
    assert now.since == NOON + timedelta(seconds=60)
    assert now.frame_age_s == 119.5  # the frame's own time is half a second after the first's


def test_problems_are_told_the_camera_first(desk: CameraDesk) -> None:
    desk.show(FakeDoor().frame(), seen(0.1), somebody=False)
    desk.storage_problem("disk full")
    assert desk.now().problem == "disk full"
    assert desk.now().state == "nobody"
    desk.camera_problem("unplugged")
    assert desk.now().problem == "unplugged"
    assert desk.now().state == "no_picture"
    desk.camera_problem(None)
    desk.storage_problem(None)
    assert desk.now().problem is None


def test_a_frozen_picture_is_no_state(desk: CameraDesk) -> None:
    desk.show(FakeDoor().frame(), seen(0.9, frozen=True), somebody=True)
    assert desk.now().state == "no_picture"


def test_tampering_lasts_until_the_watch_says_otherwise(desk: CameraDesk) -> None:
    desk.show(FakeDoor().frame(), replace(seen(0.1), tampered="covered"), somebody=False)
    assert desk.now().tampered == "covered"
    desk.camera_problem("unplugged")
    assert desk.now().tampered == "covered"  # nobody has seen otherwise
    desk.show(FakeDoor().frame(), seen(0.1), somebody=False)  # uncovered, or another watch
    assert desk.now().tampered is None


def test_health(household: DaemonHousehold, desk: CameraDesk, clock: Clock) -> None:
    for latencies in ((2.0, 4.0), (), (30.0,)):
        desk.show(FakeDoor().frame(), seen(0.1, *latencies), somebody=False)
    clock.seconds += 90
    health = household.health()
    assert health.board == "Fake Board 1 · Test OS 1"
    (camera,) = health.cameras
    assert (camera.name, camera.kind, camera.connected) == ("door", "rtsp", True)
    assert (camera.frames, camera.frames_dropped, camera.restarts) == (3, 2, 1)
    assert camera.frames_per_s == 3.9
    assert (health.inference_p50_ms, health.inferences) == (4.0, 3)
    assert (health.temperature_c, health.throttled) == (41.5, False)
    assert (health.model, health.uptime_s) == ("doorbell-person 1.0.0, tflite-int8", 90.0)
    assert health.disk_free_bytes > 0
    assert health.store_bytes > len(b"picture")
    assert 1e6 < health.memory_bytes < 1e11


def test_the_latest_frame_is_at_most_960_wide(household: DaemonHousehold, desk: CameraDesk) -> None:
    desk.show(FakeDoor(width=1920, height=1080).frame(), seen(0.1), somebody=False)
    jpeg = household.latest_jpeg("door")
    assert jpeg is not None
    assert decode_jpeg(jpeg).shape == (540, 960, 3)
    assert household.latest_jpeg("door") is jpeg  # encoded once
    small = FakeDoor(width=640, height=360)
    small.wait(1)
    desk.show(small.frame(), seen(0.1), somebody=False)
    again = household.latest_jpeg("door")
    assert again is not None
    assert decode_jpeg(again).shape == (360, 640, 3)


def test_visits_come_from_the_store(household: DaemonHousehold) -> None:
    (visit,) = household.visits(limit=5)
    assert household.visit(visit.id) == visit
    assert household.visit(99) is None
    assert household.snapshot(str(visit.snapshot)) == b"picture"
    assert household.snapshot("../edgecls.sqlite3") is None


def test_visits_are_kept_corrected_and_deleted(household: DaemonHousehold) -> None:
    (visit,) = household.visits(limit=5)
    household.keep(visit.id, True)
    household.correct(visit.id, "nobody")
    (changed,) = household.visits(limit=5, only="kept")
    assert (changed.kept, changed.correction) == (True, "nobody")
    household.delete(visit.id)
    assert household.visits(limit=5) == []


def test_every_configured_sink_is_told_of(household: DaemonHousehold) -> None:
    mqtt, webhook = household.sinks()
    assert (mqtt.sink, mqtt.waiting, mqtt.dead) == ("mqtt", 2, 0)
    assert isinstance(mqtt.waiting, int)  # a count, and told as one
    assert (webhook.sink, webhook.waiting, webhook.last_error) == ("webhook", 0, None)
    assert household.requeue("mqtt") == 0


def test_without_a_trigger_nothing_rings(household: DaemonHousehold) -> None:
    assert household.press("http") is None


def test_a_sample_counts_drops_once(household: DaemonHousehold, clock: Clock) -> None:
    history = household._history
    history.add()
    clock.seconds += 120
    history.add()
    first, second = household.history()
    assert (first.dropped, second.dropped) == (2, 0)
    assert second.at - first.at == timedelta(seconds=120)
    assert (second.frames_per_s, second.temperature_c) == (3.9, 41.5)


def test_the_history_is_bounded() -> None:
    taken = (Sample(NOON, None, float(number), 0, 0, 0) for number in count())
    history = History(lambda: next(taken))
    for _ in range(SAMPLES_MAX + 3):
        history.add()
    samples = history.samples()
    assert (len(samples), samples[0].frames_per_s) == (SAMPLES_MAX, 3.0)


def test_the_history_begins_with_the_daemon_and_ends_with_it(household: DaemonHousehold) -> None:
    with household:
        pass
    assert len(household.history()) == 1
    household.close()


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
