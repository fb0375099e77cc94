"""A point in time that several waits share."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """Count down from `seconds`, on the monotonic clock.

    Args:    clock: returns seconds; tests pass their own.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end_s = clock() + seconds

    @property
    def remaining_s(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self._end_s - self._clock())

    @property
    def passed(self) -> bool:
        return self._clock() >= self._end_s
