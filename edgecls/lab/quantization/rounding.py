"""Round the kernels of a Keras model onto the int8 grid by choices that were learned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np
import numpy.typing as npt

from edgecls.errors import CalibrationError
from edgecls.lab.quantization.adaround import rounded_up
from edgecls.lab.quantization.moments import input_moments, learnable

Floats = npt.NDArray[np.float32]
Packed = npt.NDArray[np.uint8]
"""A bit for every weight of a kernel, in its order: take the higher of its two levels."""
LEVEL_MAX = 127


def learned_rounding(
    model: keras.Model,
    batches: Iterable[Floats],
    *,
    centred: bool = False,
    told: Callable[[str, int, int], None] | None = None,
) -> dict[str, Packed]:
    """Return, per layer, which weights are rounded up so that its outputs change least.

    Args:    batches: normalised images.   centred: biases are corrected for the mean afterwards.
             told: is given "rounding", layers done, layers in all.
    """
    moments = input_moments(model, batches, centred=centred)
    layers = learnable(model)
    found = {}
    for number, layer in enumerate(layers, start=1):
        weights, _ = _on_grid(layer)
        found[layer.name] = np.packbits(rounded_up(weights, moments[layer.name]))
        if told:
            told("rounding", number, len(layers))
    return found


def with_kernels_rounded(model: keras.Model, choices: Mapping[str, Packed]) -> keras.Model:
    """Return a copy whose kernels lie on their int8 grid: for quantizing, not as float variant.

    The largest weight of a channel stays, so a quantizer finds the same grid, symmetric and per
    channel, and nothing is left for it to round.

    Raises:  CalibrationError when the choices are of another model.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    layers = {layer.name: layer for layer in copy.layers}
    for name, packed in choices.items():
        size = int(np.prod(layers[name].kernel.shape)) if name in layers else -1
        if packed.size != -(-size // 8):
            raise CalibrationError(
                f"the learned rounding does not fit the model: layer {name}",
                hint="edgecls calibrate makes a new recording",
            )
        layer = layers[name]
        weights, scale = _on_grid(layer)
        up = np.unpackbits(packed, count=weights.size).reshape(weights.shape)
        kernel = (np.floor(weights) + up) * scale
        _, *rest = layer.get_weights()
        layer.set_weights([kernel.reshape(layer.kernel.shape).astype(np.float32), *rest])
    return copy


def _on_grid(layer: keras.layers.Layer) -> tuple[Floats, Floats]:
    """Return the kernel in steps of its grid, (inputs, outputs), and the step of each output."""
    kernel = np.asarray(layer.get_weights()[0], np.float32)
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    matrix = kernel.reshape(-1, kernel.shape[2] if depthwise else kernel.shape[-1])
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / np.float32(LEVEL_MAX)
    return np.asarray(matrix / scale, np.float32), np.asarray(scale, np.float32)
