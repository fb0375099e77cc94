"""Second moments of what every layer reads, from one pass over the calibration images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecls.lab.quantization.bias import KERNELS

Floats = npt.NDArray[np.float32]
INPUTS_MAX = 2304
"""Layers that read more values per output than this keep the nearest rounding: time and memory."""
PLACES_MAX = 784
"""Places looked at per image, evenly spread; neighbours are alike."""


def learnable(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers whose rounding can be learned."""
    return [layer for layer in model.layers if isinstance(layer, KERNELS) and _inputs(layer)]


def _inputs(layer: keras.layers.Layer) -> int:
    """Return how many values one output reads, 0 where the layer is of a kind that is left out."""
    if getattr(layer, "groups", 1) != 1 or getattr(layer, "depth_multiplier", 1) != 1:
        return 0
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    count = int(np.prod(layer.kernel.shape[:2] if depthwise else layer.kernel.shape[:-1]))
    return count if count <= INPUTS_MAX else 0


def input_moments(
    model: keras.Model, batches: Iterable[Floats], *, centred: bool
) -> dict[str, Floats]:
    """Return E[x x^T] per layer of `learnable`, or the covariance if `centred`.

    Shape (inputs, inputs), inputs in the order of the kernel's; (channels, inputs, inputs) for a
    depthwise layer. Centred is right where the biases are corrected for the mean afterwards.

    Args:    batches: normalised images, (n, H, W, C) each.
    """
    layers = learnable(model)
    watcher = keras.Model(model.inputs, [layer.input for layer in layers])
    sums: dict[str, list[Any]] = {layer.name: [0.0, 0.0, 0] for layer in layers}  # Any: arrays
    for batch in batches:
        values = keras.tree.flatten(watcher([batch], training=False))
        for layer, value in zip(layers, values, strict=True):
            rows = _rows(layer, value)
            found = sums[layer.name]
            found[0] = found[0] + np.swapaxes(rows, -1, -2) @ rows
            found[1] = found[1] + rows.sum(axis=-2)
            found[2] += rows.shape[-2]
    return {name: _moment(*found, centred=centred) for name, found in sums.items()}


def _moment(products: Floats, total: Floats, count: int, *, centred: bool) -> Floats:
    moment = products / count
    if centred:
        mean = total / count
        moment = moment - mean[..., :, None] * mean[..., None, :]
    return np.asarray(moment, np.float32)


def _rows(layer: keras.layers.Layer, value: Any) -> Floats:  # Any: the backend's own tensor
    """Return what single outputs read: (places, inputs), depthwise (channels, places, inputs)."""
    if isinstance(layer, keras.layers.Dense):
        array = keras.ops.convert_to_numpy(value)
        return np.asarray(array.reshape(-1, array.shape[-1]), np.float32)
    patches = keras.ops.convert_to_numpy(
        keras.ops.image.extract_patches(
            value,
            layer.kernel_size,
            strides=layer.strides,
            dilation_rate=layer.dilation_rate[0],
            padding=layer.padding,
        )
    )
    count, height, width, _ = patches.shape
    places = np.linspace(0, height * width - 1, min(height * width, PLACES_MAX)).astype(np.intp)
    rows = patches.reshape(count, height * width, -1)[:, places].reshape(count * len(places), -1)
    if not isinstance(layer, keras.layers.DepthwiseConv2D):
        return np.asarray(rows, np.float32)
    channels = value.shape[-1]
    by_channel = rows.reshape(len(rows), -1, channels)
    return np.ascontiguousarray(by_channel.transpose(2, 0, 1), np.float32)
