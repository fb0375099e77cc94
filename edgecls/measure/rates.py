"""How often something happens in a day, from how often it did, with an honest interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DAY_S = 86_400.0
TAIL = 0.025
Z = 1.959964
"""The normal distribution's quantile for TAIL."""
EXACT_TO = 100
"""Up to so many events the interval is the exact one; beyond, summing would cost seconds."""


@dataclass(frozen=True, slots=True)
class DailyRate:
    """A count of rare events as a rate.

    Args:    count: seen in `watched_s` seconds.   per_day: count per day of watching.
             low, high: the 95 % interval of the rate; high is finite even for a count of 0.
    """

    count: int
    watched_s: float
    per_day: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "watched_s": round(self.watched_s, 1),
            "per_day": round(self.per_day, 3),
            "ci95": [round(self.low, 3), round(self.high, 3)],
        }

    def words(self) -> str:
        """Return the rate for people, with what it rests on."""
        watched = f"{self.count} in {span_words(self.watched_s)}"
        if self.count == 0:
            return f"{watched}: at most {_short(self.high)} a day"
        return (
            f"{watched}: {_short(self.per_day)} a day ({_short(self.low)} to {_short(self.high)})"
        )


def daily_rate(count: int, watched_s: float) -> DailyRate | None:
    """Return `count` events as a rate per day; None when nothing was watched.

    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936): exact, or as
    close to it as `poisson_interval` says, and so a little wide. It takes the events for
    independent of each other.
    """
    if count < 0:
        raise ValueError(f"a count cannot be negative, received {count}")
    if watched_s <= 0:
        return None
    days = watched_s / DAY_S
    low, high = poisson_interval(count)
    return DailyRate(count, watched_s, count / days, low / days, high / days)


def poisson_interval(count: int) -> tuple[float, float]:
    """Return the 95 % interval of a Poisson mean after `count` events.

    Beyond EXACT_TO by Byar's approximation, which takes the chi-square quantiles of the exact
    limits from E. B. Wilson, M. M. Hilferty, "The distribution of chi-square", PNAS 17 (1931); see
    N. E. Breslow, N. E. Day, "Statistical methods in cancer research" II, IARC (1987), chapter 2.
    It is then off by less than one part in 30,000.
    """
    return exact_interval(count) if count <= EXACT_TO else (_cubed(count, -Z), _cubed(count + 1, Z))


def _cubed(events: int, z: float) -> float:
    return events * (1.0 - 1.0 / (9.0 * events) + z / (3.0 * math.sqrt(events))) ** 3


def exact_interval(count: int) -> tuple[float, float]:
    """Return Garwood's 95 % interval of a Poisson mean; the time it takes grows with `count`."""
    above = count + 10.0 * math.sqrt(count + 1.0) + 10.0
    low = 0.0
    if count:
        low = _falling_root(lambda mean: _at_most(count - 1, mean) - (1.0 - TAIL), float(count))
    return low, _falling_root(lambda mean: _at_most(count, mean) - TAIL, above)


def _falling_root(value: Callable[[float], float], high: float) -> float:
    """Find by bisection where `value`, which falls from above 0, crosses 0 below `high`."""
    low = 0.0
    for _ in range(100):
        middle = (low + high) / 2
        if value(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(count: int, mean: float) -> float:
    """Return the probability of at most `count` events where `mean` are expected."""
    if mean == 0:
        return 1.0
    logs = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(count + 1)]
    return min(1.0, math.fsum(math.exp(log) for log in logs))


def span_words(seconds: float) -> str:
    """Return a length of time in the unit that people would use."""
    for unit, unit_s in (("days", DAY_S), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _short(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
