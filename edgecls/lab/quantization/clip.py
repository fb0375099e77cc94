"""Clip the weights of every channel to the range that int8 holds with the least squared error."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from edgecls.lab.quantization.bias import KERNELS

Floats = npt.NDArray[np.float32]
LEVEL_MAX = 127
SHARES = np.linspace(0.5, 1.0, 51)


def with_weights_clipped(model: keras.Model) -> keras.Model:
    """Return a copy whose largest weights are clipped where that rounds the others better.

    Source:  Nagel et al., A White Paper on Neural Network Quantization (2021), section 3.1.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        if isinstance(layer, KERNELS):
            kernel, *rest = layer.get_weights()
            layer.set_weights([_clipped(layer, kernel), *rest])
    return copy


def _clipped(layer: keras.layers.Layer, kernel: Floats) -> Floats:
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    matrix = kernel.reshape(-1, int(np.prod(kernel.shape[2:])) if depthwise else kernel.shape[-1])
    largest = np.maximum(np.abs(matrix).max(axis=0), 1e-12)
    errors = np.stack([_error(matrix, largest * share) for share in SHARES])
    last = len(SHARES) - 1
    best = last - errors[::-1].argmin(axis=0)  # of equals the widest
    limit = largest * SHARES[best]
    return np.asarray(np.clip(matrix, -limit, limit).reshape(kernel.shape), np.float32)


def _error(matrix: Floats, limit: Floats) -> Floats:
    step = limit / LEVEL_MAX
    held = np.clip(np.round(matrix / step), -LEVEL_MAX, LEVEL_MAX) * step
    return np.asarray(np.square(held - matrix).sum(axis=0))
