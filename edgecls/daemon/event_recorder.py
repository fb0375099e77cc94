"""Bring single events to the store, and keep them while the store cannot take them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edgecls.errors import StoreError
from edgecls.logs import RepeatedError

log = logging.getLogger(__name__)

RETRY_S = 10.0
UNSAVED_MAX = 32
"""Events kept in memory while the disk is full: at most a few MB of JPEG."""


class EventStore(Protocol):
    """The part of the store that takes events."""

    def add_event(
        self,
        kind: str,
        *,
        camera: str,
        at: datetime,
        score: float | None = None,
        jpeg: bytes | None = None,
        somebody: bool | None = None,
        detail: str | None = None,
    ) -> object: ...


@dataclass(frozen=True, slots=True)
class Happening:
    """An event on its way to the store; the fields are those of `Store.add_event`."""

    kind: str
    camera: str
    at: datetime
    score: float | None = None
    jpeg: bytes | None = None
    somebody: bool | None = None
    detail: str | None = None


class EventRecorder:
    """Store events; what fails is tried again, in order. May be used by several threads.

    Args:    stored: is called after each event that was stored.   clock: monotonic seconds.
    """

    def __init__(
        self,
        store: EventStore,
        *,
        clock: Callable[[], float],
        stored: Callable[[], None] = lambda: None,
    ) -> None:
        self.lost = 0
        self._store = store
        self._clock = clock
        self._stored = stored
        self._turn = threading.Lock()
        self._unsaved: deque[Happening] = deque()
        self._retry_at_s = 0.0
        self._trouble = RepeatedError(log, "cannot store events")

    @property
    def not_stored(self) -> int:
        """Return how many events the store does not have."""
        return len(self._unsaved) + self.lost

    def add(self, happening: Happening) -> None:
        """Store an event; blocks until it is on the disk, or has failed."""
        with self._turn:
            self._unsaved.append(happening)
            if len(self._unsaved) > UNSAVED_MAX:
                gone = self._unsaved.popleft()
                self.lost += 1
                log.error("an event %r of %s is lost: it could not be stored", gone.kind, gone.at)
            self._save()

    def tick(self) -> None:
        """Try again what failed, when it is time."""
        with self._turn:
            if self._unsaved and self._clock() >= self._retry_at_s:
                self._save()

    def finish(self) -> None:
        """Try a last time, at once, and tell what the store still does not have."""
        with self._turn:
            if self._unsaved:
                self._save()
            if self._unsaved:
                log.error("%d events are lost: they could not be stored", len(self._unsaved))

    def _save(self) -> None:
        self._retry_at_s = self._clock() + RETRY_S
        while self._unsaved:
            first = self._unsaved[0]
            try:
                self._store.add_event(
                    first.kind,
                    camera=first.camera,
                    at=first.at,
                    score=first.score,
                    jpeg=first.jpeg,
                    somebody=first.somebody,
                    detail=first.detail,
                )
            except StoreError as error:
                self._trouble.failed(error)
                return
            self._unsaved.popleft()
            self._stored()
        self._trouble.recovered()
