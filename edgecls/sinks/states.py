"""What the state topics say: one JSON object per camera, and one for the device."""

from __future__ import annotations

import json
from collections.abc import Iterator

from edgecls.broker import Message
from edgecls.sinks.discovery import OFF, ON
from edgecls.sinks.topics import Topics
from edgecls.types import DeviceState

SWITCHED = {True: ON, False: OFF, None: None}
"""None: Home Assistant shows "unknown"."""


def messages_from_state(state: DeviceState, topics: Topics) -> Iterator[Message]:
    """Yield the state of each camera and of the device, rounded to what is worth a message."""
    for camera in state.cameras:
        values: dict[str, object] = {
            "person": SWITCHED[camera.person],
            "occupancy": SWITCHED[camera.somebody],
            "score": _rounded(camera.score, 2),
            "visits_today": camera.visits_today,
            "frames_per_s": round(camera.frames_per_s, 1),
            "connected": SWITCHED[camera.connected],
            "frames_dropped": camera.frames_dropped,
        }
        yield _message(topics.of_camera(camera.name, "state"), values)
    device: dict[str, object] = {
        "inference_ms": _rounded(state.inference_ms, 1),
        "temperature_c": _rounded(state.temperature_c, 0),
    }
    yield _message(topics.state, device)


def _message(topic: str, values: dict[str, object]) -> Message:
    return Message(topic, json.dumps(values).encode("ascii"), retain=True)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
