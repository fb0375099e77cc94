"""Choose the range of an activation from its histogram: four methods behind one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgecls.lab.quantization.histograms import Histogram

Range = tuple[float, float]
Floats = npt.NDArray[np.float64]

LEVELS = 256
PERCENTILE = 99.99
CLIPPED_MAX = 0.001
KL_BINS = 2048


def minmax(histogram: Histogram) -> Range:
    """Return the extremes seen, widened to hold zero."""
    return min(histogram.low, 0.0), max(histogram.high, 0.0)


def percentile(histogram: Histogram) -> Range:
    """Return the range that leaves 0.005 % of the values outside at either end."""
    share = np.cumsum(histogram.counts) / histogram.total
    tail = (1 - PERCENTILE / 100) / 2
    centres = histogram.centres
    low = float(centres[np.searchsorted(share, tail)])
    high = float(centres[np.searchsorted(share, 1 - tail)])
    return _inside(histogram, (low, high))


def mse(histogram: Histogram) -> Range:
    """Return the range with the least mean squared error of 8-bit affine quantization.

    The error inside the range is the rounding error step^2 / 12, outside it the distance to the
    range. Either end is searched in steps of 1 % of the extreme, in turn.

    Source:  Nagel et al., A White Paper on Neural Network Quantization (2021), section 3.1.
    """
    low, high = minmax(histogram)
    shares = np.linspace(0.2, 1.0, 81)
    best = (low, high)
    for _ in range(2):
        best = min(((low, float(s * high)) for s in shares), key=lambda r: _error(histogram, r))
        high_best = best[1]
        best = min(
            ((float(s * low), high_best) for s in shares), key=lambda r: _error(histogram, r)
        )
        if best == (low, high_best):
            break
    return best


def _error(histogram: Histogram, bounds: Range) -> float:
    low, high = bounds
    step = (high - low) / (LEVELS - 1)
    centres, counts = histogram.centres, histogram.counts
    outside = np.maximum(low - centres, 0) + np.maximum(centres - high, 0)
    squared = np.where(outside > 0, (outside + step / 2) ** 2, step**2 / 12)
    return float((squared * counts).sum())


def entropy(histogram: Histogram) -> Range:
    """Return the symmetric clip with the least Kullback-Leibler divergence, within the extremes.

    Source:  Migacz, 8-bit Inference with TensorRT (GTC 2017): the histogram of magnitudes is
             compared with itself cut to 128 levels, for every cut from 128 bins upward. No cut
             takes off more than 0.1 % of the values: below that the divergence itself misleads on
             the few, widely spread activations of a classifier's last layers.
    """
    counts = histogram.counts.astype(np.float64)
    half = counts.size // 2
    magnitudes = counts[half:] + counts[:half][::-1]
    if magnitudes.size > KL_BINS:
        magnitudes = magnitudes.reshape(KL_BINS, -1).sum(axis=1)
    used = int(np.flatnonzero(magnitudes)[-1]) + 1 if magnitudes.any() else 1
    kept = np.cumsum(magnitudes) / magnitudes.sum()
    first = max(LEVELS // 2, int(np.searchsorted(kept, 1 - CLIPPED_MAX)) + 1)
    cuts = range(min(first, used), used + 1, max(1, used // 256))
    cut = min(cuts, key=lambda k: _divergence(magnitudes[:used], k))
    limit = cut / magnitudes.size * histogram.limit
    return _inside(histogram, (-limit, limit))


def _divergence(magnitudes: Floats, cut: int) -> float:
    """Return KL(P || Q): P is cut at `cut`, its tail in the last bin; Q has 128 levels."""
    levels = min(LEVELS // 2, cut)
    reference = magnitudes[:cut].copy()
    edges = np.linspace(0, cut, levels + 1).astype(np.int64)
    sums = np.add.reduceat(reference, edges[:-1])
    filled = np.add.reduceat((reference > 0).astype(np.float64), edges[:-1])
    means = np.divide(sums, filled, out=np.zeros_like(sums), where=filled > 0)
    quantized = np.repeat(means, np.diff(edges)) * (reference > 0)
    reference[-1] += magnitudes[cut:].sum()
    p = reference / reference.sum()
    q = np.maximum(quantized / max(quantized.sum(), 1e-12), 1e-12)
    mask = p > 0
    return float((p[mask] * np.log(p[mask] / q[mask])).sum())


def _inside(histogram: Histogram, bounds: Range) -> Range:
    low, high = minmax(histogram)
    return max(low, min(bounds[0], 0.0)), min(high, max(bounds[1], 0.0))


METHODS: Mapping[str, Callable[[Histogram], Range]] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}
"""The word in a recipe, the configuration and on the command line -> how a range is chosen."""
