"""Intervals and tests for counts: a proportion, a paired difference, a mean of proportions.

All intervals are 95 % and two-sided, and none collapses to a point at 0 or 100 %: a set of images
is finite, so a figure from it is uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured figure with what it rests on.

    Args:    value: in its own unit, proportions 0 to 1.   n: images (or trials) behind it.
             low, high: the 95 % interval.
    """

    value: float
    n: int
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        return {
            "value": round(self.value, 6),
            "n": self.n,
            "ci95": [round(self.low, 6), round(self.high, 6)],
        }


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the score interval of a proportion; (0, 1) when nothing was tried.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    J. Am. Stat. Assoc. 22 (1927).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be 0 to n, received {successes} of {n}")
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def proportion(successes: int, n: int) -> Estimate | None:
    """Return successes / n with Wilson's interval; None when nothing was tried."""
    return Estimate(successes / n, n, *wilson(successes, n)) if n else None


def paired_difference(gained: int, lost: int, n: int) -> Estimate:
    """Return the difference of two proportions seen on the same images, with its score interval.

    Args:    gained: images that only the second one gets right.   lost: only the first one.
             n: all images.
    Returns: (gained - lost) / n; negative when the second one is worse.

    T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Stat. Med. 17 (1998). It keeps its coverage when the two hardly ever
    disagree, which is just the case of a good int8 model beside its float one.
    """
    if min(gained, lost) < 0 or gained + lost > n or n == 0:
        raise ValueError(f"expected gained + lost <= n, received {gained} + {lost} of {n}")
    difference = (gained - lost) / n

    def surplus(delta: float) -> float:
        """Return the score statistic for `delta`; it falls as delta grows."""
        a = 2 * n
        b = -(gained + lost) + (2 * n - gained + lost) * delta
        c = -lost * delta * (1 - delta)
        p21 = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        variance = n * (2 * p21 + delta * (1 - delta))
        distance = gained - lost - n * delta
        if variance <= 0:
            return math.copysign(math.inf, distance) if distance else 0.0
        return distance / math.sqrt(variance)

    low = _root(lambda delta: surplus(delta) - Z95, -1.0, difference)
    high = _root(lambda delta: surplus(delta) + Z95, difference, 1.0)
    return Estimate(difference, n, low, high)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Find by bisection where a falling function crosses 0."""
    for _ in range(80):
        middle = (low + high) / 2
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def mcnemar_exact(gained: int, lost: int) -> float:
    """Return the two-sided p-value of "the two are equally often right".

    The exact form of Q. McNemar's test (Psychometrika 12, 1947): of the images on which just one of
    the two is right, each would be the first one's with probability one half.
    """
    n, smaller = gained + lost, min(gained, lost)
    if n == 0:
        return 1.0
    tail = math.fsum(math.exp(_log_choose(n, k) - n * math.log(2)) for k in range(smaller + 1))
    return min(1.0, 2 * tail)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def mean_of_proportions(counts: Sequence[tuple[int, int]]) -> Estimate | None:
    """Return the plain mean of independent proportions, each given as (successes, n).

    The interval squares and adds the distances of Wilson's limits: G. Y. Zou and A. Donner,
    "Construction of confidence limits about effect measures", Stat. Med. 27 (2008). None when one
    of them was never tried.
    """
    if not counts or any(n == 0 for _, n in counts):
        return None
    shares = [successes / n for successes, n in counts]
    limits = [wilson(successes, n) for successes, n in counts]
    value = sum(shares) / len(shares)
    below = math.hypot(*(p - low for p, (low, _) in zip(shares, limits, strict=True)))
    above = math.hypot(*(high - p for p, (_, high) in zip(shares, limits, strict=True)))
    low, high = value - below / len(shares), value + above / len(shares)
    return Estimate(value, sum(n for _, n in counts), max(0.0, low), min(1.0, high))


def bounded_mean(values: Sequence[float], low: float, high: float) -> Estimate:
    """Return the mean of values between `low` and `high` with an adjusted normal interval.

    As in D. G. Bonett and R. M. Price, "Adjusted Wald confidence interval for a difference of
    binomial proportions based on paired data" (J. Educ. Behav. Stat. 37, 2012), one made-up value
    at each end joins the data for the interval, which therefore never has zero width.
    """
    n, padded = len(values), [*values, low, high]
    centre = math.fsum(padded) / (n + 2)
    spread = math.sqrt(math.fsum((value - centre) ** 2 for value in padded) / (n + 2))
    half = Z95 * spread / math.sqrt(n + 2)
    value = math.fsum(values) / n
    return Estimate(
        value, n, max(low, min(value, centre - half)), min(high, max(value, centre + half))
    )


def f1(true_positives: int, false_positives: int, false_negatives: int) -> Estimate | None:
    """Return F1 with an interval; None when there is neither a positive image nor a positive call.

    F1 = 2 F* / (1 + F*), where F* = TP / (TP + FP + FN) is a plain proportion of its denominator
    (Hand, Christen, Kirielle, "F*: an interpretable transformation of the F-measure", Mach. Learn.
    110, 2021): Wilson's limits of F* are carried through.
    """
    n = true_positives + false_positives + false_negatives
    if n == 0:
        return None
    low, high = wilson(true_positives, n)
    share = true_positives / n
    return Estimate(2 * share / (1 + share), n, 2 * low / (1 + low), 2 * high / (1 + high))
