"""A household that exists only in tests: believable visits, a drawn porch, a healthy device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np

from edgecls.types import Visit
from edgecls.web.source import Health, Now

AT = datetime(2026, 11, 20, 13, 5, 0, tzinfo=timezone.utc)

WELL = Health(
    board="Raspberry Pi 4 Model B Rev 1.5",
    camera="door",
    camera_connected=True,
    frames=41_206,
    frames_dropped=12,
    frames_per_s=4.0,
    camera_restarts=1,
    inference_p50_ms=17.3,
    inferences=3_871,
    temperature_c=52.4,
    throttled=False,
    memory_bytes=118_000_000,
    disk_free_bytes=24_700_000_000,
    store_bytes=96_400_000,
    model="doorbell-person 1.0.0, int8 TFLite",
    uptime_s=2 * 86_400 + 5 * 3_600,
)
NOBODY = Now(
    state="nobody", score=0.04, since=AT - timedelta(minutes=7), frame_age_s=0.2, problem=None
)
PERSON = Now(
    state="person", score=0.97, since=AT - timedelta(seconds=12), frame_age_s=0.2, problem=None
)
NO_FRAME_YET = Now(
    state="no_picture", score=None, since=AT - timedelta(seconds=3), frame_age_s=None, problem=None
)
CAMERA_AWAY = Now(
    state="no_picture",
    score=None,
    since=AT - timedelta(seconds=48),
    frame_age_s=48.0,
    problem="camera door: no frame for 48 s, restarted 3 times",
)


def drawn_porch(hue: int = 20) -> bytes:
    """Return the JPEG of a door in a wall; `hue` tells pictures apart."""
    picture = np.full((360, 480, 3), (hue, 60, 190), dtype=np.uint8)
    picture[280:] = (30, 25, 90)
    picture[70:280, 190:290] = ((hue + 90) % 180, 120, 110)
    cv2.circle(picture, (275, 180), 5, (30, 80, 230), -1)
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_HSV2BGR))
    assert done
    return jpeg.tobytes()


def past_visits(count: int, *, newest: datetime = AT - timedelta(minutes=7)) -> list[Visit]:
    """Return `count` ended visits, newest first, ids counting down to 1."""
    return [
        Visit(
            id=count - index,
            camera="door",
            started_at=newest - timedelta(hours=2.3 * index, seconds=17 * index),
            ended_at=newest - timedelta(hours=2.3 * index, seconds=17 * index - 9 - 14 * index),
            peak_score=0.99 - 0.31 * ((index * 7) % 5) / 5,
            snapshot=f"20261120T1200{index % 60:02d}000Z-{index:08x}.jpg",
        )
        for index in range(count)
    ]


def open_visit(visit_id: int) -> Visit:
    """Return a visit that lasts."""
    return Visit(
        id=visit_id,
        camera="door",
        started_at=AT - timedelta(seconds=12),
        ended_at=None,
        peak_score=0.97,
        snapshot="20261120T130448000Z-000000ff.jpg",
    )


def interrupted(visit: Visit) -> Visit:
    """Return `visit` as a power cut leaves it."""
    return replace(visit, interrupted=True)


@dataclass
class FakeHousehold:
    """Keep to the contract `Household`; tests change its fields as the day goes on."""

    state: Now = NOBODY
    condition: Health = WELL
    stored: list[Visit] = field(default_factory=list)
    picture: bytes | None = field(default_factory=drawn_porch)
    pictures: dict[str, bytes] = field(default_factory=dict)

    def now(self) -> Now:
        return self.state

    def health(self) -> Health:
        return self.condition

    def latest_jpeg(self) -> bytes | None:
        return self.picture

    def visits(self, *, limit: int, before_id: int | None = None) -> Sequence[Visit]:
        older = [visit for visit in self.stored if before_id is None or visit.id < before_id]
        return sorted(older, key=lambda visit: -visit.id)[:limit]

    def visit(self, visit_id: int) -> Visit | None:
        return next((visit for visit in self.stored if visit.id == visit_id), None)

    def snapshot(self, name: str) -> bytes | None:
        if name not in {visit.snapshot for visit in self.stored}:
            return None
        return self.pictures.get(name) or drawn_porch(hash(name) % 180)
