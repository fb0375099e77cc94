"""Whether a score means what it says: calibration error, Brier score, and the bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgecls.measure.intervals import Estimate

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

BINS = 15
RESAMPLES = 1000
SEED = 20261120


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """How often scores of about this size are right.

    Args:    share: mean score of the bin's images.   right: how often they were, NaN when empty.
             n: images in the bin. All of shape (BINS,), equally wide bins from 0 to 1.
    """

    share: Floats
    right: Floats
    n: npt.NDArray[np.int64]


def reliability(confidence: Floats, correct: npt.NDArray[np.bool_]) -> Reliability:
    """Sort images into bins by their confidence.

    Args:    confidence: of the winning label, 0 to 1, shape (N,).   correct: was it the right one.
    """
    which = np.clip((confidence * BINS).astype(np.intp), 0, BINS - 1)
    n = np.bincount(which, minlength=BINS)
    with np.errstate(invalid="ignore"):
        share = np.bincount(which, confidence, BINS) / n
        right = np.bincount(which, correct.astype(np.float64), BINS) / n
    return Reliability(share, right, n.astype(np.int64))


def expected_calibration_error(
    confidence: Floats, correct: npt.NDArray[np.bool_], truth: npt.NDArray[np.intp]
) -> Estimate:
    """Return the mean distance between confidence and accuracy over 15 equally wide bins.

    C. Guo et al., "On calibration of modern neural networks" (ICML 2017). The figure of a finite
    set is biased upwards, and so is its bootstrap interval: compare it between equal sets only.

    Args:    confidence, correct: as `reliability`.   truth: index of the right label, the strata.
    """
    gain = confidence - correct

    def one(chosen: Indices) -> float:
        which = np.clip((confidence[chosen] * BINS).astype(np.intp), 0, BINS - 1)
        return float(np.abs(np.bincount(which, gain[chosen], BINS)).sum() / len(chosen))

    return bootstrap(one, truth)


def brier(scores: Floats, truth: npt.NDArray[np.intp]) -> Estimate:
    """Return the mean squared distance between scores and truth, summed over the labels.

    G. W. Brier, Mon. Weather Rev. 78 (1950), in the halved form where two labels give (p - y)^2.

    Args:    scores: shape (N, labels).   truth: index of the right label, shape (N,).
    """
    wanted = np.eye(scores.shape[1])[truth]
    losses = 0.5 * ((scores - wanted) ** 2).sum(axis=1)
    return bootstrap(lambda chosen: float(losses[chosen].mean()), truth)


def mean_estimate(values: Floats) -> Estimate:
    """Return a mean with its bootstrap interval."""
    return bootstrap(lambda chosen: float(values[chosen].mean()), np.zeros(len(values), np.intp))


def bootstrap(
    statistic: Callable[[Indices], float],
    strata: npt.NDArray[np.generic],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """Return a statistic with its percentile interval; each stratum keeps its size.

    B. Efron, R. Tibshirani, "An introduction to the bootstrap" (1993), chapters 8 and 13.

    Args:    statistic: takes the indices of the images to use.   strata: a value per image.
    """
    random = np.random.default_rng(seed)
    groups = [np.flatnonzero(strata == value) for value in np.unique(strata)]
    values = [
        statistic(np.concatenate([random.choice(group, len(group)) for group in groups]))
        for _ in range(resamples)
    ]
    low, high = np.quantile(values, [0.025, 0.975])
    n = sum(len(group) for group in groups)
    return Estimate(statistic(np.arange(n)), n, float(low), float(high))
