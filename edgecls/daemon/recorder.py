"""Bring visits to the store, and keep them while the store cannot take them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edgecls.bundle.images import encode_jpeg
from edgecls.errors import StoreError
from edgecls.logs import RepeatedError
from edgecls.types import Frame, Visit
from edgecls.vision.visits import Change

log = logging.getLogger(__name__)

RETRY_S = 10.0
FIRST_FRAME_S = 1.0
SWEEP_S = 3600.0
UNSAVED_MAX = 16
"""Visits kept in memory while the disk is full: at most a few MB of JPEG."""


class VisitStore(Protocol):
    """The part of the store that the recorder writes."""

    def start_visit(
        self,
        camera: str,
        *,
        at: datetime,
        score: float,
        jpeg: bytes,
        light: str = "day",
        tell: bool = True,
    ) -> Visit: ...

    def add_frame(self, visit_id: int, *, at: datetime, jpeg: bytes) -> str: ...

    def end_visit(
        self,
        visit_id: int,
        *,
        at: datetime,
        score: float,
        jpeg: bytes | None,
        interrupted: bool = False,
        tell: bool = True,
    ) -> Visit: ...

    def sweep(self, *, now: datetime) -> object: ...


@dataclass(slots=True, eq=False)
class _Entry:
    """A visit on its way to the disk; values only, so that no frame stays in memory for it.

    Args:    shown_s: time of the frame that `jpeg` shows.   jpeg: None once the store has it.
             ended_at: None while the visit lasts.
             frames: further pictures stored.   next_frame_s: when it is time for one more.
    """

    camera: str
    started_at: datetime
    score: float
    shown_s: float
    jpeg: bytes | None
    ended_at: datetime | None = None
    interrupted: bool = False
    visit_id: int | None = None
    frames: int = 0
    next_frame_s: float = 0.0
    light: str = "day"
    tell: bool = True


class Recorder:
    """Write each change to the store; what fails is tried again, and never stops the watch.

    Args:    frames_max: further pictures of each visit: the first after FIRST_FRAME_S, each next
             one after twice the time.
             clock: monotonic seconds.   now: the wall clock, UTC.
    """

    def __init__(
        self,
        store: VisitStore,
        *,
        jpeg_quality: int,
        frames_max: int = 0,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self.failures = 0
        self.lost = 0
        self._store = store
        self.jpeg_quality = jpeg_quality
        self._frames_max = frames_max
        self._clock = clock
        self._now = now
        self._unsaved: deque[_Entry] = deque()
        self._current: _Entry | None = None
        self._retry_at_s = 0.0
        self._sweep_at_s = clock()
        self._trouble = RepeatedError(log, "cannot store visits")
        self.problem: str | None = None

    @property
    def not_stored(self) -> int:
        """Return how many visits the store does not have: those that wait and the lost ones."""
        return len(self._unsaved) + self.lost

    def take(self, change: Change) -> None:
        """Store an arrival or a leaving; blocks until it is on the disk, or has failed."""
        sighting = change.sighting
        if change.kind == "arrived":
            self._current = _Entry(
                sighting.camera,
                sighting.started_at,
                sighting.peak_score,
                sighting.best.captured_s,
                self._encoded(sighting.best),
                next_frame_s=sighting.started_s + FIRST_FRAME_S,
                light=sighting.light,
                tell=not sighting.quiet,
            )
            self._keep(self._current)
        elif self._current is not None:
            entry, self._current = self._current, None
            if sighting.best.captured_s != entry.shown_s:
                entry.jpeg = self._encoded(sighting.best)
            entry.score = sighting.peak_score
            entry.ended_at, entry.interrupted = sighting.seen_at, change.interrupted
            if not any(waiting is entry for waiting in self._unsaved):
                self._keep(entry)
        self._save()

    def look(self, frame: Frame) -> None:
        """Store a further picture of the visit that lasts, when it is time for one.

        One that cannot be stored is left out: the visit and its snapshot are what counts.
        """
        entry = self._current
        if (
            entry is None
            or entry.visit_id is None
            or entry.frames >= self._frames_max
            or frame.captured_s < entry.next_frame_s
        ):
            return
        entry.frames += 1
        entry.next_frame_s = frame.captured_s + FIRST_FRAME_S * 2**entry.frames
        try:
            self._store.add_frame(entry.visit_id, at=frame.captured_at, jpeg=self._encoded(frame))
        except StoreError as error:
            self._failed(error)

    def tick(self) -> None:
        """Try again what failed, and keep the store inside its budgets, when it is time."""
        now_s = self._clock()
        if self._unsaved and now_s >= self._retry_at_s:
            self._save()
        if now_s >= self._sweep_at_s:
            self._sweep_at_s = now_s + SWEEP_S
            self._sweep()

    def _encoded(self, frame: Frame) -> bytes:
        return encode_jpeg(frame.pixels, self.jpeg_quality)

    def _keep(self, entry: _Entry) -> None:
        self._unsaved.append(entry)
        if len(self._unsaved) > UNSAVED_MAX:
            # one whose begin is stored would stay open in the store: it is the last to go
            gone = next((e for e in self._unsaved if e.visit_id is None), self._unsaved[0])
            self._unsaved.remove(gone)
            self.lost += 1
            log.error("a visit of %s is lost: it could not be stored", gone.started_at)

    def _save(self) -> None:
        self._retry_at_s = self._clock() + RETRY_S
        ended = False
        while self._unsaved:
            entry = self._unsaved[0]
            try:
                self._write(entry)
            except StoreError as error:
                self._failed(error)
                return
            self._unsaved.popleft()
            ended = ended or entry.ended_at is not None
        self._trouble.recovered()
        self.problem = None
        if ended:
            self._sweep()

    def _write(self, entry: _Entry) -> None:
        if entry.visit_id is None:
            visit = self._store.start_visit(
                entry.camera,
                at=entry.started_at,
                score=entry.score,
                jpeg=entry.jpeg or b"",
                light=entry.light,
                tell=entry.tell,
            )
            entry.visit_id, entry.jpeg = visit.id, None
        if entry.ended_at is not None:
            self._store.end_visit(
                entry.visit_id,
                at=entry.ended_at,
                score=entry.score,
                jpeg=entry.jpeg,
                interrupted=entry.interrupted,
                tell=entry.tell,
            )

    def _sweep(self) -> None:
        try:
            self._store.sweep(now=self._now())
        except StoreError as error:
            self._failed(error)

    def _failed(self, error: StoreError) -> None:
        self.failures += 1
        self._trouble.failed(error)
        self.problem = str(error)
