"""Make one steady score of many shaky ones, whatever the time between them."""

from __future__ import annotations

import math

ENTER = 0.85
"""An empty door is judged all day and must not be wrong once; a visitor has many frames to be seen.
So arriving needs more than the threshold that is best for one photograph."""
LEAVE = 0.2


class Smoothing:
    """Exponential mean with a time constant: a score's weight falls to 1/e in `time_constant_s`.

    After a gap longer than the time constant a single score still counts for no more than 1 - 1/e,
    so that one shaky frame after a quiet minute is not the whole truth. The first score is taken
    as it is.
    """

    def __init__(self, time_constant_s: float) -> None:
        self._time_constant_s = time_constant_s
        self._value: float | None = None
        self._at_s = 0.0

    @property
    def value(self) -> float | None:
        """Return the smoothed score, 0 to 1; None before the first."""
        return self._value

    def update(self, score: float, at_s: float) -> float:
        """Take in a score of the time `at_s` (monotonic seconds) and return the smoothed one."""
        if self._value is None or self._time_constant_s == 0:
            self._value = score
        else:
            elapsed = min(max(0.0, at_s - self._at_s), self._time_constant_s)
            self._value += (1.0 - math.exp(-elapsed / self._time_constant_s)) * (
                score - self._value
            )
        self._at_s = at_s
        return self._value


def bounds_around(threshold: float) -> tuple[float, float]:
    """Return the scores to leave and to enter at, ENTER above and LEAVE below in log-odds.

    In log-odds because a threshold of 0.9 has less room above it than below: 0.5 gives 0.45 and
    0.70, 0.9 gives 0.88 and 0.95.
    """
    odds = math.log(threshold / (1.0 - threshold))
    return 1.0 / (1.0 + math.exp(LEAVE - odds)), 1.0 / (1.0 + math.exp(-ENTER - odds))
