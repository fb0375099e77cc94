"""Learn for every weight whether to round it up or down, instead of to the nearest.

Source:  Nagel et al., Up or Down? Adaptive Rounding for Post-Training Quantization (2020): the
         relaxation, the regularizer and its annealing are theirs. The loss is their local one,
         E[(dW x)^2] (section 3.2), which needs only the second moments of a layer's inputs: it is
         solved layer by layer in numpy, without running the net again. What they leave out: after
         the descent, weights are turned over one by one while that lowers the loss further.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bits = npt.NDArray[np.bool_]

STEPS = 500
SWEEPS = 5
WARM_UP = 0.2
RATE = 0.03
PULL = 1.0
SHARPNESS = (20.0, 2.0)
STRETCH = (-0.1, 1.1)
ENOUGH = 1e-6
ON_GRID = 1e-3
"""A weight this close to a level, in steps, is left on it: the largest one sets the scale."""


def rounded_up(weights: Floats, moments: Floats, *, steps: int = STEPS) -> Bits:
    """Choose up or down for every weight of a layer.

    Args:    weights: in steps of the int8 grid, -127 to 127, shape (inputs, outputs).
             moments: E[x x^T] of the inputs, shape (inputs, inputs); or one matrix per output,
             (outputs, inputs, inputs), for a depthwise layer.
             steps: of Adam; the time is proportional.
    Returns: True where ceil(weight) is to be taken; never worse than the nearest by `error`.
    """
    floor = np.floor(weights)
    share = weights - floor
    nearest = share >= 0.5
    settled = np.abs(weights - np.round(weights)) < ON_GRID
    moments = _scaled(moments)
    learned = np.where(settled, nearest, _learned(share, settled, moments, steps))
    learned = _turned_over(learned, share, settled, moments)
    better = error(learned - share, moments) < error(nearest - share, moments)
    return np.where(better, learned, nearest)


def error(change: Floats, moments: Floats) -> Floats:
    """Return E[(dw^T x)^2] for every output: change has shape (inputs, outputs)."""
    return np.asarray((change * _times(moments, change)).sum(axis=0))


def _scaled(moments: Floats) -> Floats:
    """Divide by the mean of the diagonal, so that one PULL suits every layer."""
    diagonal = np.diagonal(moments, axis1=-2, axis2=-1).mean(axis=-1)[..., None, None]
    return np.asarray(moments / np.maximum(diagonal, 1e-12), np.float32)


def _times(moments: Floats, change: Floats) -> Floats:
    if moments.ndim == 2:
        return np.asarray(moments @ change)
    return np.asarray(np.einsum("oij,jo->io", moments, change))


def _learned(share: Floats, settled: Bits, moments: Floats, steps: int) -> Bits:
    """Descend with Adam on V, where h(V) in 0 to 1 is how far up a weight goes."""
    low, high = STRETCH
    start = np.clip(share, 0.01, 0.99)
    value = -np.log((high - low) / (start - low) - 1).astype(np.float32)
    first, second = np.zeros_like(value), np.zeros_like(value)
    for step in range(1, steps + 1):
        gate = 1 / (1 + np.exp(-value))
        soft = np.clip(gate * (high - low) + low, 0.0, 1.0)
        slope = 2 * _times(moments, soft - share)
        progress = (step / steps - WARM_UP) / (1 - WARM_UP)
        if progress > 0:
            slope += _pull(soft, SHARPNESS[0] + progress * (SHARPNESS[1] - SHARPNESS[0]))
        inside = (soft > 0) & (soft < 1) & ~settled
        slope = np.where(inside, slope * gate * (1 - gate) * (high - low), 0.0).astype(np.float32)
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        size = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        value = (value - RATE * size).astype(np.float32)
    return np.asarray(value >= 0)


def _turned_over(up: Bits, share: Floats, settled: Bits, moments: Floats) -> Bits:
    """Turn single weights over while that lowers the loss: the inputs in turn, all outputs at once.

    With g = E[x x^T] dw, changing weight i by d changes the loss by 2 d g_i + d^2 E[x_i^2].
    """
    up = up.copy()
    slope = _times(moments, (up - share).astype(np.float32))
    for _ in range(SWEEPS):
        turned = 0
        for place in range(len(share)):
            column = moments[..., place].T.reshape(len(share), -1)
            step = np.where(up[place], np.float32(-1), np.float32(1))
            better = (2 * step * slope[place] + column[place] < -ENOUGH) & ~settled[place]
            if better.any():
                up[place] ^= better
                slope += column * (step * better)
                turned += int(better.sum())
        if not turned:
            break
    return up


def _pull(soft: Floats, sharpness: float) -> Floats:
    """Return the slope of PULL * (1 - |2 h - 1| ** sharpness), which drives h to 0 or 1."""
    apart = 2 * soft - 1
    return np.asarray(
        -PULL * sharpness * 2 * np.sign(apart) * np.abs(apart) ** (sharpness - 1), np.float32
    )
