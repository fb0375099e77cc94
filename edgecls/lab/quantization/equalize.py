"""Cross-layer equalization: make the channels of neighbouring layers alike, output unchanged."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from edgecls.lab.quantization.fold import called_once, consumers

Array = npt.NDArray[np.float32]
ROUNDS_MAX = 40
SETTLED = 1e-3


@dataclass(frozen=True)
class Link:
    """Two layers with nothing between them but shape-keeping, positively homogeneous steps."""

    first: keras.layers.Layer
    second: keras.layers.Layer


def with_relu6_as_relu(model: keras.Model) -> keras.Model:
    """Return a copy whose ReLU6 layers are ReLU: equalization needs f(s x) = s f(x).

    The outputs change where an activation exceeded 6, so measure before and after.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.ReLU):
            config["max_value"] = None
        elif config.get("activation") == "relu6":
            config["activation"] = "relu"
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def links(model: keras.Model) -> list[Link]:
    """Return every pair of layers that can be equalized, in the order of the model."""
    readers, single = consumers(model), called_once(model)
    found = []
    for first in model.layers:
        if not isinstance(first, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            continue
        here = first
        while True:
            after = readers[here.name]
            if not _homogeneous(here, first) or len(after) != 1 or after[0].name not in single:
                break
            here = after[0]
            if isinstance(here, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
                if getattr(here, "depth_multiplier", 1) == 1 and getattr(here, "groups", 1) == 1:
                    found.append(Link(first, here))
                break
    return found


def _homogeneous(layer: keras.layers.Layer, first: keras.layers.Layer) -> bool:
    if layer is first:
        return layer.activation in (keras.activations.linear, keras.activations.relu)
    if isinstance(layer, keras.layers.ReLU):
        return layer.max_value is None and not layer.threshold and not layer.negative_slope
    if isinstance(layer, keras.layers.Activation):
        return layer.activation in (keras.activations.linear, keras.activations.relu)
    return isinstance(
        layer, (keras.layers.Identity, keras.layers.ZeroPadding2D, keras.layers.Dropout)
    )


def with_layers_equalized(model: keras.Model) -> keras.Model:
    """Return a copy with s_i = sqrt(r1_i / r2_i) moved across every link until nothing changes.

    r1_i is the largest weight that makes channel i, r2_i the largest that reads it.

    Source:  Nagel et al., Data-Free Quantization Through Weight Equalization (2019), section 4.1.
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    pairs = links(copy)
    for _ in range(ROUNDS_MAX):
        change = max((_equalize(pair) for pair in pairs), default=0.0)
        if change < SETTLED:
            break
    return copy


def _equalize(pair: Link) -> float:
    """Equalize one link in place; return the largest relative change of a channel."""
    first, *first_rest = pair.first.get_weights()
    second, *second_rest = pair.second.get_weights()
    made = np.abs(_by_output(pair.first, first)).max(axis=0)
    read = np.abs(_by_input(pair.second, second)).max(axis=0)
    alive = (made > 1e-8) & (read > 1e-8)
    scale = np.where(alive, np.sqrt(made / np.where(alive, read, 1.0)), 1.0).astype(np.float32)
    depthwise = isinstance(pair.first, keras.layers.DepthwiseConv2D)
    first = first / (scale.reshape(-1, 1) if depthwise else scale)
    rest = [first_rest[0] / scale] if first_rest else []
    second = second * scale.reshape(-1, 1)  # input channels are axis 2 in both kernel layouts
    pair.first.set_weights([first, *rest])
    pair.second.set_weights([second, *second_rest])
    return float(np.abs(scale - 1).max())


def _by_output(layer: keras.layers.Layer, kernel: Array) -> Array:
    """Return the kernel as (weights, output channels); depthwise has multiplier 1."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return kernel.reshape(-1, kernel.shape[2])
    return kernel.reshape(-1, kernel.shape[-1])


def _by_input(layer: keras.layers.Layer, kernel: Array) -> Array:
    """Return the kernel as (weights, input channels)."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return kernel.reshape(-1, kernel.shape[2])
    return np.moveaxis(kernel, 2, -1).reshape(-1, kernel.shape[2])
