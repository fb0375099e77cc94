"""The device this moment, in the words of those who are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from edgecls.daemon.household import DaemonHousehold
from edgecls.store.reader import StoreReader
from edgecls.types import CameraState, DeviceState

SOMEBODY = {"person": True, "nobody": False}


def state_of(
    household: DaemonHousehold,
    reader: StoreReader,
    *,
    threshold: float,
    now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
) -> DeviceState:
    """Ask the parts how things are.

    Args:    threshold: the score from which on a person is to be seen.
             now: the wall clock, in this machine's zone.
    """
    health = household.health()
    cameras = []
    for camera in health.cameras:
        at_door = household.now(camera.name)
        somebody = SOMEBODY.get(at_door.state)
        seen = somebody is not None and at_door.score is not None
        cameras.append(
            CameraState(
                name=camera.name,
                connected=camera.connected,
                person=(at_door.score or 0.0) >= threshold if seen else None,
                somebody=somebody,
                score=at_door.score,
                frames_per_s=camera.frames_per_s,
                frames_dropped=camera.frames_dropped,
                visits_today=reader.visits_on(now().date(), camera=camera.name),
            )
        )
    return DeviceState(tuple(cameras), health.inference_p50_ms, health.temperature_c)
