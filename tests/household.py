"""A household that exists only in tests: believable visits, a drawn porch, a healthy device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone

import cv2
import numpy as np

from edgecls.bundle.manifest import Manifest
from edgecls.daemon.health import HealthState
from edgecls.errors import StoreError
from edgecls.types import Event, SinkState, Visit, VisitTally
from edgecls.web.source import CameraHealth, Health, ModelInUse, Now, Sample

AT = datetime(2026, 11, 20, 13, 5, 0, tzinfo=timezone.utc)

DOOR = CameraHealth(
    name="door",
    kind="rtsp",
    connected=True,
    frames=41_206,
    frames_dropped=12,
    frames_per_s=4.0,
    restarts=1,
)
WELL = Health(
    board="Raspberry Pi 4 Model B Rev 1.5",
    cameras=(DOOR,),
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
    camera="door",
    state="nobody",
    score=0.04,
    since=AT - timedelta(minutes=7),
    frame_age_s=0.2,
    problem=None,
)
PERSON = replace(NOBODY, state="person", score=0.97, since=AT - timedelta(seconds=12))
NO_FRAME_YET = replace(
    NOBODY, state="no_picture", score=None, since=AT - timedelta(seconds=3), frame_age_s=None
)
CAMERA_AWAY = Now(
    camera="door",
    state="no_picture",
    score=None,
    since=AT - timedelta(seconds=48),
    frame_age_s=48.0,
    problem="camera door: no frame for 48 s, restarted 3 times",
)
MODEL = Manifest.model_validate(
    {
        "name": "doorbell-person",
        "version": "1.0.0",
        "input": {"width": 224, "height": 224, "mean": [127.5] * 3, "std": [127.5] * 3},
        "output": {"activation": "softmax"},
        "labels": ["no_person", "person"],
        "decision": {"label": "person", "threshold": 0.5},
        "license": "Apache-2.0",
        "variants": [
            {
                "name": "tflite-int8",
                "runtime": "tflite",
                "precision": "int8",
                "recipe": "static_wi8_ai8",
                "file": "int8.tflite",
                "sha256": "0" * 64,
                "bytes": 2_718_496,
                "accuracy": {
                    "dataset": "person test",
                    "metric": "accuracy",
                    "value": 0.9513,
                    "n": 1088,
                    "ci95": [0.9368, 0.9626],
                    "threshold": 0.5,
                },
            },
            {
                "name": "onnx-float32",
                "runtime": "onnx",
                "precision": "float32",
                "file": "float32.onnx",
                "sha256": "1" * 64,
                "bytes": 8_885_160,
            },
        ],
    }
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


def with_frames(visit: Visit, count: int) -> Visit:
    """Return `visit` with further pictures."""
    return replace(visit, frames=tuple(f"{visit.id}-frame-{index}.jpg" for index in range(count)))


def past_happenings() -> list[Event]:
    """Return a press with somebody there, one without, a covered camera and one that went away."""
    times = [AT - timedelta(minutes=7 + 95 * index) for index in range(5)]
    return [
        Event(9, "pressed", "door", times[0], 30, 0.98, "press-9.jpg", somebody=True),
        Event(8, "pressed", "door", times[1], None, 0.04, "press-8.jpg", somebody=False),
        Event(7, "tampered", "door", times[2], None, None, None, detail="covered"),
        Event(6, "camera_back", "door", times[3], None, None, None),
        Event(5, "camera_lost", "door", times[4], None, None, None),
    ]


def past_day(samples: int = 240) -> list[Sample]:
    """Return a day of a device that is warmer at noon."""
    return [
        Sample(
            at=AT - timedelta(minutes=6 * (samples - index)),
            temperature_c=50.0 + 8.0 * float(np.sin(index / samples * 3.1)),
            frames_per_s=4.0 if index % 67 else 0.0,
            dropped=(index * 7) % 5 if 90 < index < 130 else 0,
            disk_free_bytes=24_700_000_000 - 2_000_000 * (index % 100),
            memory_bytes=118_000_000 + 10_000 * (index % 7),
        )
        for index in range(samples)
    ]


@dataclass
class FakeHousehold:
    """Keep to the contract `Household`; tests change its fields as the day goes on."""

    state: Now = NOBODY
    condition: Health = WELL
    stored: list[Visit] = field(default_factory=list)
    happened: list[Event] = field(default_factory=list)
    past: list[Sample] = field(default_factory=list)
    picture: bytes | None = field(default_factory=drawn_porch)
    pictures: dict[str, bytes] = field(default_factory=dict)
    outbox: list[SinkState] = field(default_factory=list)
    rings: bool | None = True
    presses: list[str] = field(default_factory=list)
    health_state: HealthState = field(default_factory=lambda: HealthState(()))

    def cameras(self) -> Sequence[str]:
        return [camera.name for camera in self.condition.cameras]

    def now(self, camera: str) -> Now:
        return replace(self.state, camera=camera)

    def latest_jpeg(self, camera: str) -> bytes | None:
        return self.picture

    def health(self) -> Health:
        return self.condition

    def history(self) -> Sequence[Sample]:
        return self.past

    def model(self) -> ModelInUse:
        return ModelInUse(MODEL, "tflite-int8")

    def visits(
        self,
        *,
        limit: int,
        before_id: int | None = None,
        day: date | None = None,
        camera: str | None = None,
        only: str | None = None,
    ) -> Sequence[Visit]:
        marks = {"kept": "kept", "pressed": "pressed", "corrected": "correction"}
        wanted = [
            visit
            for visit in self.stored
            if (before_id is None or visit.id < before_id)
            and (day is None or visit.started_at.astimezone().date() == day)
            and (camera is None or visit.camera == camera)
            and (only is None or getattr(visit, marks[only]))
        ]
        return sorted(wanted, key=lambda visit: -visit.id)[:limit]

    def visit(self, visit_id: int) -> Visit | None:
        return next((visit for visit in self.stored if visit.id == visit_id), None)

    def tallies(self) -> Sequence[VisitTally]:
        return [
            VisitTally(
                camera=name,
                visits=len(mine),
                corrected=sum(visit.correction is not None for visit in mine),
                nobody=sum(visit.correction == "nobody" for visit in mine),
                first_at=min(visit.started_at for visit in mine),
                last_at=max(visit.started_at for visit in mine),
            )
            for name in sorted({visit.camera for visit in self.stored})
            if (mine := [visit for visit in self.stored if visit.camera == name])
        ]

    def snapshot(self, name: str) -> bytes | None:
        known = {visit.snapshot for visit in self.stored}
        known |= {frame for visit in self.stored for frame in visit.frames}
        known |= {event.snapshot for event in self.happened}
        if name not in known:
            return None
        return self.pictures.get(name) or drawn_porch(hash(name) % 180)

    def keep(self, visit_id: int, kept: bool) -> None:
        self._replace(visit_id, kept=kept)

    def correct(self, visit_id: int, label: str | None) -> None:
        self._replace(visit_id, correction=label)

    def delete(self, visit_id: int) -> None:
        visit = self.visit(visit_id)
        if visit is not None and visit.ended_at is None:
            raise StoreError(f"visit {visit_id} lasts still, expected one that has ended")
        self.stored = [visit for visit in self.stored if visit.id != visit_id]

    def happenings(self, *, limit: int, before_id: int | None = None) -> Sequence[Event]:
        return [e for e in self.happened if before_id is None or e.id < before_id][:limit]

    def sinks(self) -> Sequence[SinkState]:
        return self.outbox

    def requeue(self, sink: str) -> int:
        count = sum(state.dead for state in self.outbox if state.sink == sink)
        self.outbox = [
            replace(state, waiting=state.waiting + state.dead, dead=0)
            if state.sink == sink
            else state
            for state in self.outbox
        ]
        return count

    def press(self, source: str) -> bool | None:
        if self.rings:
            self.presses.append(source)
        return self.rings

    def soundness(self) -> HealthState:
        return self.health_state

    def metrics(self) -> bytes:
        return b"# HELP edgecls_up Whether it runs.\nedgecls_up 1\n"

    def _replace(self, visit_id: int, **changed: object) -> None:
        self.stored = [
            replace(visit, **changed) if visit.id == visit_id else visit  # type: ignore[arg-type]
            for visit in self.stored
        ]
