"""Count the values a tensor takes, in one pass, in fixed memory, however large they get."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

BINS = 4096
FIRST_LIMIT = 2.0**-6


@dataclass(slots=True)
class Histogram:
    """A histogram over [-limit, limit) that doubles its limit when a value falls outside.

    Bins are merged in pairs about zero, so the result does not depend on the order of the values.

    Args:    counts: uint64, shape (BINS,).   low, high: the exact extremes seen.
             nan_count: values that were not finite; they are in no bin.
    """

    counts: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(BINS, np.uint64))
    limit: float = FIRST_LIMIT
    low: float = float("inf")
    high: float = float("-inf")
    nan_count: int = 0

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count `values`, of any shape."""
        flat = values.reshape(-1)
        finite = np.isfinite(flat)
        if not finite.all():
            self.nan_count += int(flat.size - np.count_nonzero(finite))
            flat = flat[finite]
        if not flat.size:
            return
        self.low = min(self.low, float(flat.min()))
        self.high = max(self.high, float(flat.max()))
        while max(-self.low, self.high) >= self.limit:
            self._double()
        index = ((flat + np.float32(self.limit)) * np.float32(BINS / (2 * self.limit))).astype(
            np.int64
        )
        self.counts += np.bincount(np.clip(index, 0, BINS - 1), minlength=BINS).astype(np.uint64)

    def merged(self, other: Histogram) -> Histogram:
        """Return the histogram of both sets of values; neither is changed."""
        first, second = self.copy(), other.copy()
        while first.limit < second.limit:
            first._double()
        while second.limit < first.limit:
            second._double()
        first.counts += second.counts
        first.low, first.high = min(first.low, second.low), max(first.high, second.high)
        first.nan_count += second.nan_count
        return first

    def copy(self) -> Histogram:
        return Histogram(self.counts.copy(), self.limit, self.low, self.high, self.nan_count)

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """Return the middle of every bin, shape (BINS,)."""
        width = 2 * self.limit / BINS
        return np.asarray((np.arange(BINS) + 0.5) * width - self.limit, np.float64)

    def _double(self) -> None:
        pairs = self.counts.reshape(-1, 2).sum(axis=1, dtype=np.uint64)
        quarter = BINS // 4
        self.counts[:] = 0
        self.counts[quarter : quarter + BINS // 2] = pairs
        self.limit *= 2
