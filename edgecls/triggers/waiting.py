"""Presses that wait until somebody takes them: what the triggers have in common."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from types import TracebackType

from typing_extensions import Self

from edgecls.logs import RepeatedError
from edgecls.types import Press

log = logging.getLogger(__name__)

WAITING_MAX = 8


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
        self._turn = threading.Lock()
        self._open = False
        self._crowd = RepeatedError(log, f"trigger {source}")

    def ring(self) -> bool:
        """Press, from any thread; see `ports.Ringable`."""
        with self._turn:  # what is taken is there before `close` has returned
            if not self._open:
                return False
            if self._waiting.qsize() >= WAITING_MAX:
                self._crowd.failed(RuntimeError(f"a press is left out, {WAITING_MAX} wait already"))
                return False
            self._waiting.put(Press(self._now(), self._source))
            return True

    def wait(self, timeout_s: float) -> Press | None:
        """Return the next press; see `ports.Trigger`."""
        try:
            return self._waiting.get(block=self._open, timeout=timeout_s)
        except queue.Empty:
            with self._turn:
                self._crowd.recovered()
            return None

    def close(self) -> None:
        """Wake who waits, and ring no more. May be called twice."""
        with self._turn:
            if self._open:
                self._open = False
                self._waiting.put(None)

    def __enter__(self) -> Self:
        with self._turn:
            self._open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
