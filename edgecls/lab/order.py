"""In which order, and how often, training images come in an epoch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgecls.lab.listing import Row

Indices = npt.NDArray[np.int64]


def shares(rows: Sequence[Row], columns: Sequence[str], *, power: float) -> npt.NDArray[np.float64]:
    """Return how likely each image is to be drawn, shape (n,), sum 1.

    The first column's values share the whole, the second's values share each of those parts, and
    so on; a value's share grows with its number of images to the power 1 - `power`.
    """
    result = np.zeros(len(rows))

    def divide(members: list[int], depth: int, share: float) -> None:
        if depth == len(columns):
            result[members] = share / len(members)
            return
        parts: dict[str, list[int]] = defaultdict(list)
        for index in members:
            parts[rows[index].column(columns[depth])].append(index)
        sizes = np.array([len(part) for part in parts.values()], dtype=np.float64)
        weights = sizes ** (1 - power)
        for part, weight in zip(parts.values(), weights / weights.sum(), strict=True):
            divide(part, depth + 1, share * float(weight))

    divide(list(range(len(rows))), 0, 1.0)
    return np.asarray(result / result.sum(), dtype=np.float64)


class Order:
    """Give every epoch its own order, decided by the seed alone.

    Args:    probabilities: None shuffles, so that each image comes once; else images are drawn.
    """

    def __init__(
        self, count: int, *, seed: int, probabilities: npt.NDArray[np.float64] | None = None
    ) -> None:
        self._count, self._seed, self._probabilities = count, seed, probabilities

    def epoch(self, number: int) -> Indices:
        """Return the indices of one epoch, shape (count,)."""
        rng = np.random.default_rng((self._seed, number))
        if self._probabilities is None:
            return rng.permutation(self._count)
        return rng.choice(self._count, self._count, p=self._probabilities)


class InOrder(Order):
    """Give the images as they are listed, every epoch."""

    def __init__(self, count: int) -> None:
        super().__init__(count, seed=0)

    def epoch(self, number: int) -> Indices:
        del number
        return np.arange(self._count)
