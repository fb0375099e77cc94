"""Correct biases for the mean error that rounding the weights makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import keras
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
KERNELS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)


def mean_inputs(model: keras.Model, batches: Iterable[Array]) -> dict[str, Array]:
    """Return, per layer with a kernel, the mean of each input channel over images and places.

    Args:    batches: normalised images, (n, H, W, C) each.
    """
    layers = [layer for layer in model.layers if isinstance(layer, KERNELS)]
    watcher = keras.Model(model.inputs, [layer.input for layer in layers])
    sums: dict[str, npt.NDArray[np.float64]] = {}
    count = 0
    for batch in batches:
        values = keras.tree.flatten(watcher([batch], training=False))
        count += len(batch)
        for layer, value in zip(layers, values, strict=True):
            array = keras.ops.convert_to_numpy(value).astype(np.float64)
            means = array.reshape(len(batch), -1, array.shape[-1]).mean(axis=1).sum(axis=0)
            sums[layer.name] = sums.get(layer.name, 0.0) + means
    return {name: (total / count).astype(np.float32) for name, total in sums.items()}


def rounded_per_channel(layer: keras.layers.Layer, kernel: Array) -> Array:
    """Return the kernel as int8, symmetric, one scale per output channel, would hold it."""
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    axes = (0, 1) if depthwise else tuple(range(kernel.ndim - 1))
    scale = np.maximum(np.abs(kernel).max(axis=axes, keepdims=True), 1e-12) / 127
    return np.asarray(np.round(kernel / scale) * scale, np.float32)


def corrections(
    model: keras.Model, means: Mapping[str, Array], *, rounded: keras.Model | None = None
) -> dict[str, Array]:
    """Return what to add to each layer's bias: -(W_int8 - W) E[x].

    Padding is ignored: at the border fewer weights see a value.

    Args:    rounded: the same model with kernels that a learned rounding made; else the nearest.

    Source:  Nagel et al., Data-Free Quantization Through Weight Equalization (2019), section 4.2,
             with E[x] measured rather than derived.
    """
    found = {}
    for layer in model.layers:
        if not isinstance(layer, KERNELS) or not layer.use_bias or layer.name not in means:
            continue
        kernel = layer.get_weights()[0]
        made = rounded.get_layer(layer.name).get_weights()[0] if rounded else kernel
        error = rounded_per_channel(layer, made) - kernel
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            shift = (error.sum(axis=(0, 1)) * means[layer.name][:, None]).reshape(-1)
        else:
            shift = means[layer.name] @ error.reshape(-1, *error.shape[-2:]).sum(axis=0)
        found[layer.name] = (-shift).astype(np.float32)
    return found


def with_bias_corrected(model: keras.Model, shifts: Mapping[str, Array]) -> keras.Model:
    """Return a copy whose biases are moved by `shifts`: for quantizing, not as float variant."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for name, shift in shifts.items():
        layer = copy.get_layer(name)
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel, bias + shift])
    return copy
