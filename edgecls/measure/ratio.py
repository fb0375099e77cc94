"""Tell a real change of speed from noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Rounds = Sequence[npt.NDArray[np.float64]]
"""One array per fresh process, each the median times of its blocks."""

RESAMPLES = 10_000
SEED = 7
_T975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""97.5 % points of Student's t with 1 to 10 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long the second one takes, with a 95 % interval.

    Args:    rounds: processes behind the first and the second, at least two of each.
    """

    value: float
    low: float
    high: float
    rounds: tuple[int, int]

    @property
    def differs(self) -> bool:
        """Tell whether the interval leaves 1 out."""
        return not self.low <= 1 <= self.high

    def as_json(self) -> dict[str, Any]:
        return {
            "value": round(self.value, 5),
            "ci95": [round(self.low, 5), round(self.high, 5)],
            "rounds": list(self.rounds),
            "differs": self.differs,
        }


def ratio_of_rounds(first: Rounds, second: Rounds) -> Ratio:
    """Compare two configurations that ran in processes of their own.

    Processes are resampled, and blocks inside them: times inside a process are alike, so they are
    not independent. The percentiles are moved outwards for the small number of processes
    (T. Hesterberg, "What teachers should know about the bootstrap", Am. Stat. 69, 2015, expanded
    percentile interval).
    """
    random = np.random.default_rng(SEED)
    one, other = [np.log(blocks) for blocks in first], [np.log(blocks) for blocks in second]
    logs = _resampled(other, random) - _resampled(one, random)
    return _interval(_centre(other) - _centre(one), logs, (len(first), len(second)))


def ratio_of_pairs(first: Rounds, second: Rounds) -> Ratio:
    """Compare two actions that took turns inside the same processes: blocks are pairs."""
    random = np.random.default_rng(SEED)
    pairs = [np.log(b) - np.log(a) for a, b in zip(first, second, strict=True)]
    return _interval(_centre(pairs), _resampled(pairs, random), (len(pairs), len(pairs)))


def centre_of_rounds(rounds: Rounds) -> tuple[float, float, float]:
    """Return the typical time and its 95 % interval over fresh processes: value, low, high."""
    logs = [np.log(blocks) for blocks in rounds]
    drawn = _resampled(logs, np.random.default_rng(SEED))
    found = _interval(_centre(logs), drawn, (len(rounds), len(rounds)))
    return found.value, found.low, found.high


def _centre(logs: Rounds) -> float:
    return float(np.mean([np.median(blocks) for blocks in logs]))


def _resampled(rounds: Rounds, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw the mean over rounds of the median of their blocks, again and again."""
    medians = [
        np.median(blocks[random.integers(0, len(blocks), (RESAMPLES, len(blocks)))], axis=1)
        for blocks in rounds
    ]
    chosen = random.integers(0, len(rounds), (RESAMPLES, len(rounds)))
    table = np.stack(medians, axis=1)
    return np.asarray(np.take_along_axis(table, chosen, axis=1).mean(axis=1))


def _interval(centre: float, logs: npt.NDArray[np.float64], rounds: tuple[int, int]) -> Ratio:
    """Take expanded percentiles of the drawn logarithms."""
    count = min(rounds)
    if count < 2:
        raise ValueError("a ratio needs two rounds at least: one process says nothing of others")
    t = _T975[count - 2] if count - 2 < len(_T975) else 1.96 + 2.4 / (count - 1)
    tail = 0.5 * math.erfc(t * math.sqrt(count / (count - 1)) / math.sqrt(2))
    low, high = np.quantile(logs, [tail, 1 - tail])
    limits = min(centre, float(low)), max(centre, float(high))
    return Ratio(math.exp(centre), math.exp(limits[0]), math.exp(limits[1]), rounds)
