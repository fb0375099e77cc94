"""Turn smoothed scores into visits: somebody came, somebody left. Times come in with the frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from edgecls.types import Frame
from edgecls.vision.light import Light


@dataclass(frozen=True, slots=True)
class Sighting:
    """A visit as it is seen so far.

    Args:    started_s, seen_s: monotonic times of its begin and of the last frame with somebody.
             peak_score: best single score, 0 to 1.   best: the frame that had it.
             light: there was when it began.   quiet: it began in quiet hours: nobody is told.
    """

    camera: str
    started_at: datetime
    started_s: float
    seen_s: float
    peak_score: float
    best: Frame
    light: Light = "day"
    quiet: bool = False

    @property
    def seen_at(self) -> datetime:
        """Return the wall-clock time of `seen_s`, right even where the clock jumped meanwhile."""
        return self.started_at + timedelta(seconds=self.seen_s - self.started_s)


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody arrived or left.

    Args:    interrupted: nobody saw the end: the camera was lost, or the daemon stops.
    """

    kind: Literal["arrived", "left"]
    sighting: Sighting
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """Smoothed scores that open a visit and that let it end, in one light."""

    enter: float
    leave: float


class Visits:
    """One visit at a time, with hysteresis in score and in time.

    Args:    enter, leave: smoothed scores that open a visit and that let it end.
             night: the same while the camera shows no colour; as by day if left out.
             leave_after_s: low scores for so long end it; its end is the last high one.
             lost_after_s: without any picture for so long, a visit is ended as interrupted.
    """

    def __init__(
        self,
        camera: str,
        *,
        enter: float,
        leave: float,
        leave_after_s: float,
        lost_after_s: float,
        night: Bounds | None = None,
    ) -> None:
        self._camera = camera
        day = Bounds(enter, leave)
        self._bounds: Mapping[Light, Bounds] = {"day": day, "night": night or day}
        self._leave_after_s, self._lost_after_s = leave_after_s, lost_after_s
        self._open: Sighting | None = None

    @property
    def open(self) -> Sighting | None:
        """Return the visit that lasts, if any."""
        return self._open

    def update(
        self,
        frame: Frame,
        *,
        score: float,
        smoothed: float,
        light: Light = "day",
        may_begin: bool = True,
        quiet: bool = False,
    ) -> Change | None:
        """Take in what a frame scored; return what changed by it.

        Args:    may_begin: a visit that begins now would be believed.
                 quiet: one that begins now is kept, and nobody is told.
        """
        now_s, bounds = frame.captured_s, self._bounds[light]
        if self._open is None:
            if smoothed < bounds.enter or not may_begin:
                return None
            self._open = Sighting(
                self._camera, frame.captured_at, now_s, now_s, min(1.0, score), frame, light, quiet
            )
            return Change("arrived", self._open)
        if smoothed >= bounds.leave:
            self._open = replace(self._open, seen_s=now_s)
        if score > self._open.peak_score:
            self._open = replace(self._open, peak_score=score, best=frame)
        if now_s - self._open.seen_s >= self._leave_after_s:
            return self._closed(interrupted=False)
        return None

    def without_picture(self, now_s: float) -> Change | None:
        """Say that there is no picture at `now_s`; a visit does not wait for ever."""
        if self._open is None or now_s - self._open.seen_s < self._lost_after_s:
            return None
        return self._closed(interrupted=True)

    def finish(self) -> Change | None:
        """End an open visit because the watch ends."""
        return None if self._open is None else self._closed(interrupted=True)

    def _closed(self, *, interrupted: bool) -> Change:
        assert self._open is not None  # noqa: S101 - both callers have checked
        change = Change("left", self._open, interrupted=interrupted)
        self._open = None
        return change
