"""Presses that wait until somebody takes them: what the triggers have in common."""

from __future__ import annotations

import queue
from collections.abc import Callable
from datetime import datetime, timezone
from types import TracebackType

from typing_extensions import Self

from edgecls.types import Press

WAITING_MAX = 32


class WaitingPresses:
    """A trigger whose presses come from some other thread, by `ring`.

    Args:    source: the trigger's name.   now: the wall clock, UTC.
    """

    def __init__(
        self,
        source: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._source = source
        self._now = now
        self._waiting: queue.Queue[Press | None] = queue.Queue()
        self._closed = False

    def ring(self) -> None:
        """Press, from any thread. Does not block; when too many wait, this one is left out."""
        if not self._closed and self._waiting.qsize() < WAITING_MAX:
            self._waiting.put(Press(self._now(), self._source))

    def wait(self, timeout_s: float) -> Press | None:
        """Return the next press; see `ports.Trigger`."""
        if self._closed:
            return None
        try:
            return self._waiting.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Wake who waits, and ring no more. May be called twice."""
        self._closed = True
        self._waiting.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
