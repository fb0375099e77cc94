"""What the page knows and changes, as values and one contract; the daemon implements it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from edgecls.bundle.manifest import Manifest
from edgecls.types import Event, SinkState, Visit, VisitTally

ONLY = ("kept", "pressed", "corrected")
"""What visits can be narrowed to."""


@dataclass(frozen=True, slots=True)
class Now:
    """The state in front of one camera this moment.

    Args:    state: "person", "nobody" or "no_picture" (camera away, or no first frame yet).
             score: smoothed score of the decision label, 0 to 1; None before a first frame.
             since: UTC, when this state began.
             frame_age_s: age of the newest frame; None before the first.
             problem: one line when something is wrong (camera away, frozen), else None.
             tampered: one of TAMPERINGS but "over", while it lasts; None otherwise.
    """

    camera: str
    state: str
    score: float | None
    since: datetime
    frame_age_s: float | None
    problem: str | None
    tampered: str | None = None


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """One camera's condition. `kind` is the configuration's word for it."""

    name: str
    kind: str
    connected: bool
    frames: int
    frames_dropped: int
    frames_per_s: float
    restarts: int


@dataclass(frozen=True, slots=True)
class Health:
    """The device's condition.

    Args:    inference_p50_ms: median of recent classifications of one picture; None before any.
             temperature_c, throttled: None where the board cannot tell.
             disk_free_bytes, store_bytes: of the disk that holds the store, and the store itself.
             model: "name version, variant", for people.
    """

    board: str
    cameras: tuple[CameraHealth, ...]
    inference_p50_ms: float | None
    inferences: int
    temperature_c: float | None
    throttled: bool | None
    memory_bytes: int
    disk_free_bytes: int
    store_bytes: int
    model: str
    uptime_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The device at one moment of its recent past.

    Args:    frames_per_s: of all cameras.   dropped: frames dropped since the sample before.
    """

    at: datetime
    temperature_c: float | None
    frames_per_s: float
    dropped: int
    disk_free_bytes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class ModelInUse:
    """The bundle at work, and which of its variants."""

    manifest: Manifest
    variant: str


class Soundness(Protocol):
    """Whether the daemon does its work; `reasons` say why not, one line each."""

    @property
    def ok(self) -> bool: ...

    @property
    def reasons(self) -> tuple[str, ...]: ...


class Household(Protocol):
    """Everything the page shows and changes. Called from several threads at once."""

    def cameras(self) -> Sequence[str]:
        """Return the cameras' names, in the order of the configuration; never none."""
        ...

    def now(self, camera: str) -> Now:
        """Return the state in front of `camera`, one of `cameras`."""
        ...

    def latest_jpeg(self, camera: str) -> bytes | None:
        """Return the newest frame as JPEG, at most 960 pixels wide; None before the first."""
        ...

    def health(self) -> Health: ...

    def history(self) -> Sequence[Sample]:
        """Return the recent past, oldest first; bounded, and lost at a restart."""
        ...

    def model(self) -> ModelInUse: ...

    def visits(
        self,
        *,
        limit: int,
        before_id: int | None = None,
        day: date | None = None,
        camera: str | None = None,
        only: str | None = None,
    ) -> Sequence[Visit]:
        """Return the newest visits first; an open one has no end. `before_id` pages back.

        Args:    day: of the device's time zone.   only: one of ONLY.
        """
        ...

    def visit(self, visit_id: int) -> Visit | None:
        """Return one visit with the names of its further frames; None when there is none."""
        ...

    def tallies(self) -> Sequence[VisitTally]:
        """Return what is stored of each camera's visits, and of people's answers."""
        ...

    def snapshot(self, name: str) -> bytes | None:
        """Return a stored JPEG by the name a `Visit` gives; None when it is gone.

        A name that is not a plain stored snapshot name (a path, "..") is None too.
        """
        ...

    def keep(self, visit_id: int, kept: bool) -> None:
        """Protect a visit from being deleted for room, or no longer. Raises: StoreError."""
        ...

    def correct(self, visit_id: int, label: str | None) -> None:
        """Say what was really there: one of CORRECTIONS, or None to take it back."""
        ...

    def delete(self, visit_id: int) -> None:
        """Delete a visit that has ended, with its pictures."""
        ...

    def happenings(self, *, limit: int, before_id: int | None = None) -> Sequence[Event]:
        """Return presses and troubles with cameras, newest first; no visits' starts and ends."""
        ...

    def sinks(self) -> Sequence[SinkState]:
        """Return every sink of the configuration, and what waits for it."""
        ...

    def requeue(self, sink: str) -> int:
        """Put a sink's dead letters back; return how many."""
        ...

    def press(self, source: str) -> bool | None:
        """Ring as the doorbell's button does; None where the configuration has no such trigger.

        Returns: whether it was taken, and so will be an event unless the disk fails; not while too
                 many wait, nor while the daemon starts or stops.
        """
        ...

    def soundness(self) -> Soundness: ...

    def metrics(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        ...
