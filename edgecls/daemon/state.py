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
    now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
) -> DeviceState:
    """Ask the parts how things are. Args: now: the wall clock, in this machine's zone."""
    health = household.health()
    cameras = []
    for camera in health.cameras:
        at_door = household.now(camera.name)
        cameras.append(
            CameraState(
                name=camera.name,
                connected=camera.connected,
                somebody=SOMEBODY.get(at_door.state),
                score=at_door.score,
                frames_per_s=camera.frames_per_s,
                frames_dropped=camera.frames_dropped,
                visits_today=reader.visits_on(now().date(), camera=camera.name),
            )
        )
    return DeviceState(tuple(cameras), health.inference_p50_ms, health.temperature_c)
