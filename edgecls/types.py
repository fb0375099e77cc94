"""The values that cross between parts. Frozen; arrays inside them are never written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""RGB, shape (height, width, 3), range 0 to 255."""

EVENT_KINDS = (
    "visit_started",
    "visit_ended",
    "pressed",
    "tampered",
    "camera_lost",
    "camera_back",
)
TAMPERINGS = ("covered", "blurred", "frozen", "turned", "over")
"""What was done to a camera; "over" when it sees as before."""
CORRECTIONS = ("person", "nobody")
LIGHTS = ("day", "night")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from a camera.

    Args:    pixels: RGB uint8, shape (H, W, 3); owned by the frame.
             captured_s: time.monotonic() when the picture was taken.
             captured_at: the wall clock at that moment, timezone-aware UTC (it may jump).
             sequence: counts the frames of this camera from 0; gaps are frames that were dropped.
    """

    pixels: Pixels
    captured_s: float
    captured_at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a frame, in pixels: x0 and y0 inside, x1 and y1 just outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    def crop(self, pixels: Pixels) -> Pixels:
        """Return a view of `pixels` (H, W, 3) inside this region; nothing is copied."""
        return pixels[self.y0 : self.y1, self.x0 : self.x1]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a model's input or output tensor must be.

    Args:    shape: with batch, as the engine wants it.   dtype: numpy name, "float32" or "int8".
             scale, zero_point: real = scale * (q - zero_point); None for float tensors.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """What a model says of one picture.

    Args:    label: the winning label.   scores: 0 to 1 for every label, in the bundle's order.
             latency_ms: preprocessing, inference and scoring; not the reading of the file.
    """

    label: str
    scores: Mapping[str, float]
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at the door, from arrival to leaving.

    Args:    id: counts up and is never used again.   ended_at: None while the visit lasts.
             peak_score: 0 to 1.   snapshot: file name of the best JPEG inside the store, or None.
             interrupted: the daemon stopped or lost power before the visit's end was seen.
             kept: somebody asked to keep it; it is the last to be deleted.
             correction: what a person says was there: "person", "nobody", or None.
             pressed: a press of the doorbell fell into it.   light: "day" or "night".
             frames: file names of further JPEGs of the visit, oldest first.
    """

    id: int
    camera: str
    started_at: datetime
    ended_at: datetime | None
    peak_score: float
    snapshot: str | None
    interrupted: bool = False
    kept: bool = False
    correction: str | None = None
    pressed: bool = False
    light: str = "day"
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A stored decision that people or other machines are told about.

    Args:    id: counts up; the same id is the same event, however often it is delivered.
             kind: one of EVENT_KINDS.   visit_id: None for what belongs to no visit.
             score: 0 to 1; None where no picture was judged.
             snapshot: file name of a JPEG inside the store, or None.
             somebody: of a press: whether a person was to be seen; None without a picture.
             detail: of a tampering: one of TAMPERINGS.
    """

    id: int
    kind: str
    camera: str
    at: datetime
    visit_id: int | None
    score: float | None
    snapshot: str | None
    somebody: bool | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A further picture of a visit: its file name inside the store, and when it was taken."""

    file: str
    at: datetime


@dataclass(frozen=True, slots=True)
class VisitTally:
    """What a store holds of one camera's visits since its oldest that is not kept.

    Older ones are there only because somebody keeps them; all others of their time were deleted.

    Args:    corrected: of `visits`, those of which somebody said what was there.
             nobody: of these, the ones where nobody was.
             first_at, last_at: when the earliest and the latest of `visits` began; of all, where
             there is none.
             older: how many kept ones are from before that time, not in `visits`.
    """

    camera: str
    visits: int
    corrected: int
    nobody: int
    first_at: datetime
    last_at: datetime
    older: int = 0


@dataclass(frozen=True, slots=True)
class SinkState:
    """What the outbox holds for one sink.

    Args:    waiting: events not delivered yet.   dead: given up; they can be put back.
             last_error: why the last delivery failed, None when nothing of it waits or is dead.
    """

    sink: str
    waiting: int
    dead: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Press:
    """A doorbell button was pressed.

    Args:    at: the wall clock then, UTC.   source: the trigger's name.
    """

    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class CameraState:
    """One camera this moment, for those who are told.

    Args:    person: one is to be seen this moment.   somebody: a visit lasts, which is steadier.
             Both None while there is no picture.
             score: smoothed, 0 to 1; None before a first frame.
    """

    name: str
    connected: bool
    person: bool | None
    somebody: bool | None
    score: float | None
    frames_per_s: float
    frames_dropped: int
    visits_today: int


@dataclass(frozen=True, slots=True)
class DeviceState:
    """The device this moment, for those who are told.

    Args:    inference_ms: median of late; None before any.   temperature_c: of the processor.
    """

    cameras: tuple[CameraState, ...]
    inference_ms: float | None
    temperature_c: float | None


@dataclass(frozen=True, slots=True)
class BoardIdentity:
    """What this device is: model as its maker writes it, operating system, machine word."""

    model: str
    system: str
    machine: str
