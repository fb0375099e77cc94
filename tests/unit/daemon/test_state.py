"""The state of the device for those who are told: nothing is claimed that is not known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.desk import CameraDesk
from edgecls.daemon.household import DaemonHousehold
from edgecls.daemon.state import state_of
from edgecls.daemon.watch import Seen
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.board import FakeBoard
from edgecls.testing.door import NOON, FakeDoor
from edgecls.types import CameraState, DeviceState
from edgecls.vision.motion import Motion
from edgecls.web.source import ModelInUse
from tests.household import MODEL

STILL = Motion(False, (), 1.0, relit=False, same_s=0.0)
COUNTS = CaptureCounters(dropped=2, connected=True, frames_per_s=3.9)


class House:
    """A household with two cameras, on a real store."""

    def __init__(self, store: Store, reader: StoreReader) -> None:
        self.store, self.reader = store, reader
        self.desks = [
            CameraDesk(name, "rtsp", counts=lambda counts=counts: counts,
                       clock=lambda: 1000.0, now=lambda: NOON)
            for name, counts in (("front", COUNTS), ("garden", CaptureCounters()))
        ]  # fmt: skip
        self.household = DaemonHousehold(
            reader, store, FakeBoard(), self.desks, model=ModelInUse(MODEL, "int8"),
            clock=lambda: 1000.0, now=lambda: NOON,
        )  # fmt: skip

    def see(self, smoothed: float, *, somebody: bool) -> None:
        seen = Seen(STILL, smoothed, smoothed, False, (12.0,), None)
        self.desks[0].show(FakeDoor().frame(), seen, somebody=somebody)

    def state(self) -> DeviceState:
        at = NOON.astimezone()
        return state_of(self.household, self.reader, threshold=0.5, now=lambda: at)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store = Store(StoreSection(folder=tmp_path, free_bytes_min=0))
    with store, StoreReader(tmp_path) as reader:
        yield House(store, reader)


def test_before_a_first_frame_nobody_knows(house: House) -> None:
    front, garden = house.state().cameras
    assert front == CameraState("front", True, None, None, None, 3.9, 2, 0)
    assert garden == CameraState("garden", False, None, None, None, 0.0, 0, 0)
    assert house.state().inference_ms is None
    assert house.state().temperature_c == 41.5


@pytest.mark.parametrize(
    ("smoothed", "somebody", "person"), [(0.1, False, False), (0.9, True, True), (0.3, True, False)]
)
def test_a_person_is_seen_now_and_a_visit_lasts_longer(
    house: House, smoothed: float, somebody: bool, person: bool
) -> None:
    house.see(smoothed, somebody=somebody)
    front, _ = house.state().cameras
    assert (front.person, front.somebody, front.score) == (person, somebody, smoothed)
    assert house.state().inference_ms == 12.0


def test_without_a_picture_the_last_score_proves_nothing(house: House) -> None:
    house.see(0.9, somebody=True)
    house.desks[0].camera_problem("unplugged")
    front, _ = house.state().cameras
    assert (front.person, front.somebody) == (None, None)


def test_visits_of_today_are_counted_for_each_camera(house: House) -> None:
    for camera, at in (
        ("front", NOON), ("front", NOON), ("garden", NOON), ("front", NOON - timedelta(days=1)),
    ):  # fmt: skip
        visit = house.store.start_visit(camera, at=at, score=0.8, jpeg=b"picture")
        house.store.end_visit(visit.id, at=at, score=0.8, jpeg=None)
    assert [camera.visits_today for camera in house.state().cameras] == [2, 1]
