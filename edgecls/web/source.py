"""What the page needs to know, as values and one contract; the daemon implements it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edgecls.types import Visit


@dataclass(frozen=True, slots=True)
class Now:
    """The state at the door this moment.

    Args:    state: "person", "nobody" or "no_picture" (camera away, or no first frame yet).
             score: smoothed score of the decision label, 0 to 1; None before a first frame.
             since: UTC, when this state began.
             frame_age_s: age of the newest frame; None before the first.
             problem: one line when something is wrong (camera away, frozen), else None.
    """

    state: str
    score: float | None
    since: datetime
    frame_age_s: float | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """The device's condition.

    Args:    inference_p50_ms: median of recent classifications of one picture; None before any.
             temperature_c, throttled: None where the board cannot tell.
             disk_free_bytes, store_bytes: of the disk that holds the store, and the store itself.
             model: "name version, variant", for people.
    """

    board: str
    camera: str
    camera_connected: bool
    frames: int
    frames_dropped: int
    frames_per_s: float
    camera_restarts: int
    inference_p50_ms: float | None
    inferences: int
    temperature_c: float | None
    throttled: bool | None
    memory_bytes: int
    disk_free_bytes: int
    store_bytes: int
    model: str
    uptime_s: float


class Household(Protocol):
    """Everything the page shows. Called from several threads at once; nothing here blocks long."""

    def now(self) -> Now: ...

    def health(self) -> Health: ...

    def latest_jpeg(self) -> bytes | None:
        """Return the newest frame as JPEG, at most 960 pixels wide; None before the first."""
        ...

    def visits(self, *, limit: int, before_id: int | None = None) -> Sequence[Visit]:
        """Return the newest visits first; an open one has no end. `before_id` pages back."""
        ...

    def visit(self, visit_id: int) -> Visit | None: ...

    def snapshot(self, name: str) -> bytes | None:
        """Return a stored JPEG by the name a `Visit` gives; None when it is gone.

        A name that is not a plain stored snapshot name (a path, "..") is None too.
        """
        ...
