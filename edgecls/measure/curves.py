"""ROC and precision-recall curves, their areas and the areas' intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgecls.measure.intervals import Z95, Estimate, wilson

Floats = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of a curve from the strictest threshold to the loosest.

    Args:    x, y: float64, shape (points,).
             threshold: the score at or above which an image counts as positive.
    """

    x: Floats
    y: Floats
    threshold: Floats


def _counts(scores: Floats, positive: Truth) -> tuple[Floats, Floats, Floats]:
    """Return true and false positives at each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    hits = np.cumsum(positive[order])[last].astype(np.float64)
    return hits, last + 1.0 - hits, ranked[last]


def roc(scores: Floats, positive: Truth) -> Curve:
    """Return false-positive rate (x) against true-positive rate (y), from (0, 0) to (1, 1).

    Args:    scores: float64, shape (N,).   positive: the truth, shape (N,), both classes present.
    """
    hits, alarms, threshold = _counts(scores, positive)
    return Curve(
        np.concatenate([[0.0], alarms / alarms[-1]]),
        np.concatenate([[0.0], hits / hits[-1]]),
        np.concatenate([[np.inf], threshold]),
    )


def precision_recall(scores: Floats, positive: Truth) -> Curve:
    """Return recall (x) against precision (y); at least one image is positive."""
    hits, alarms, threshold = _counts(scores, positive)
    return Curve(hits / hits[-1], hits / (hits + alarms), threshold)


def average_precision(scores: Floats, positive: Truth) -> Estimate | None:
    """Return the area under the precision-recall curve as average precision (no interpolation).

    Its interval is the logit one of K. Boyd, K. H. Eng, C. D. Page, "Area under the
    precision-recall curve: point estimates and confidence intervals" (ECML 2013); Wilson's at 1,
    where that has none. None when no image is positive.
    """
    n_positive = int(positive.sum())
    if n_positive == 0:
        return None
    curve = precision_recall(scores, positive)
    value = float(np.sum(np.diff(curve.x, prepend=0.0) * curve.y))
    if value >= 1.0 - 1e-12:
        return Estimate(1.0, len(scores), wilson(n_positive, n_positive)[0], 1.0)
    centre = math.log(value / (1 - value))
    half = Z95 / math.sqrt(n_positive * value * (1 - value))
    return Estimate(value, len(scores), _expit(centre - half), _expit(centre + half))


def _placements(scores: Floats, positive: Truth) -> tuple[Floats, Floats]:
    """Return for each positive the share of negatives it beats, and for each negative the share of
    positives that beat it; ties count one half. Their means are the area under the ROC curve.
    """
    above, below = np.sort(scores[positive]), np.sort(scores[~positive])
    wins = np.searchsorted(below, scores[positive], "left")
    ties = np.searchsorted(below, scores[positive], "right") - wins
    of_positives = (wins + 0.5 * ties) / len(below)
    lost = np.searchsorted(above, scores[~positive], "left")
    even = np.searchsorted(above, scores[~positive], "right") - lost
    of_negatives = 1 - (lost + 0.5 * even) / len(above)
    return of_positives, of_negatives


def roc_area(scores: Floats, positive: Truth) -> Estimate | None:
    """Return the area under the ROC curve with DeLong's interval on the logit scale.

    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44 (1988); X. Sun, W. Xu (2014) for
    the fast form. At 0 and 1, where that variance vanishes, the score interval of R. G. Newcombe
    (Stat. Med. 25, 2006, method 5). None unless both classes are present.
    """
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if n_positive == 0 or n_negative == 0:
        return None
    of_positives, of_negatives = _placements(scores, positive)
    area = float(of_positives.mean())
    variance = _variance(of_positives) + _variance(of_negatives)
    if variance <= 0 or not 0 < area < 1:
        return Estimate(area, len(scores), *_score_limits(area, n_positive, n_negative))
    centre, half = math.log(area / (1 - area)), Z95 * math.sqrt(variance) / (area * (1 - area))
    return Estimate(area, len(scores), _expit(centre - half), _expit(centre + half))


def roc_area_difference(first: Floats, second: Floats, positive: Truth) -> Estimate | None:
    """Return the second area minus the first, both on the same images, with DeLong's interval.

    None unless both classes are present with at least two images each.
    """
    if min(int(positive.sum()), int((~positive).sum())) < 2:
        return None
    p1, n1 = _placements(first, positive)
    p2, n2 = _placements(second, positive)
    value = float(p2.mean() - p1.mean())
    half = Z95 * math.sqrt(_variance(p2 - p1) + _variance(n2 - n1))
    return Estimate(value, len(first), value - half, value + half)


def _variance(placements: Floats) -> float:
    """Return the variance of a mean of placements."""
    return float(placements.var(ddof=1)) / len(placements) if len(placements) > 1 else 0.0


def _score_limits(area: float, n_positive: int, n_negative: int) -> tuple[float, float]:
    """Solve |area - x| = z sqrt(V(x)) with Hanley and McNeil's variance at x."""
    weight = (n_positive + n_negative) / 2 - 1

    def excess(x: float) -> float:
        spread = 1 + weight * ((1 - x) / (2 - x) + x / (1 + x))
        variance = x * (1 - x) * spread / (n_positive * n_negative)
        return (area - x) ** 2 - Z95 * Z95 * variance

    low = 0.0 if area == 0 else _crossing(excess, 0.0, area)
    high = 1.0 if area == 1 else _crossing(lambda x: -excess(x), area, 1.0)
    return low, high


def _crossing(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))
