"""Fold batch normalization into the layer before it, in a Keras 3 functional model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
FOLDABLE = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)


@dataclass(frozen=True)
class Pair:
    """A layer and the batch normalization that alone reads its output."""

    layer: keras.layers.Layer
    norm: keras.layers.BatchNormalization


def consumers(model: keras.Model) -> Mapping[str, list[keras.Operation]]:
    """Return, for the name of every layer and operation, what reads its output.

    Operations such as the + in x + y count: they are no layers. What is called twice reads twice.
    """
    readers: dict[str, list[keras.Operation]] = {item.name: [] for item in model.operations}
    for node in _calls(model):
        for tensor in node.input_tensors:
            readers[tensor._keras_history.operation.name].append(node.operation)
    return readers


def called_once(model: keras.Model) -> set[str]:
    """Return the names of the layers that are not shared: they have one input and one output."""
    calls = Counter(node.operation.name for node in _calls(model))
    return {name for name, count in calls.items() if count == 1}


def _calls(model: keras.Model) -> Iterator[Any]:  # Any: Keras' own nodes
    """Yield every call of a layer or operation that is in the model's graph."""
    for nodes in model._nodes_by_depth.values():
        yield from nodes


def _pairs(model: keras.Model) -> list[Pair]:
    readers, single = consumers(model), called_once(model)
    ends = Counter(tensor._keras_history.operation.name for tensor in model.outputs)
    found = []
    for layer in model.layers:
        if not isinstance(layer, keras.layers.BatchNormalization) or layer.name not in single:
            continue
        (read,) = keras.tree.flatten(layer.input)
        before = read._keras_history.operation
        linear = getattr(before, "activation", None) in (None, keras.activations.linear)
        if (
            isinstance(before, FOLDABLE)
            and linear
            and before.name in single
            and len(readers[before.name]) == 1
            and not ends[before.name]
        ):
            found.append(Pair(before, layer))
    return found


def flattened(model: keras.Model) -> keras.Model:
    """Return a copy in which models used as layers are unrolled, so that every layer is seen.

    The layers are named as inside their own model.
    """
    if not any(isinstance(layer, keras.Model) for layer in model.layers):
        return model

    def call(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:  # Any: keras tensors
        if not isinstance(layer, keras.Model):
            return layer(*inputs, **options)
        graph = layer._functional if isinstance(layer, keras.Sequential) else layer
        given = keras.tree.pack_sequence_as(graph.input, keras.tree.flatten(inputs))
        return graph._run_through_graph(given, operation_fn=_copied, call_fn=call)

    copy = keras.models.clone_model(model, clone_function=_copied, call_function=call)
    for layer in _leaves(model):
        if layer.weights:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


def _copied(layer: keras.layers.Layer) -> keras.layers.Layer:
    return (
        layer if isinstance(layer, keras.Model) else layer.__class__.from_config(layer.get_config())
    )


def _leaves(model: keras.Model) -> list[keras.layers.Layer]:
    return [
        leaf
        for layer in model.layers
        for leaf in (_leaves(layer) if isinstance(layer, keras.Model) else [layer])
    ]


def with_batchnorm_folded(model: keras.Model) -> keras.Model:
    """Return a copy in which y = gamma (W x + b - mean) / sqrt(var + eps) + beta is one layer.

    Layers keep their names. A normalization that follows anything else (an addition, a shared
    output) stays.

    Source:  Jacob et al., Quantization and Training of Neural Networks (2018), section 3.2.
    """
    pairs = _pairs(model)
    folded = {pair.layer.name: pair for pair in pairs}
    norms = {pair.norm.name for pair in pairs}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if layer.name in folded:
            config["use_bias"] = True
        return layer.__class__.from_config(config)

    def call(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:  # Any: keras tensors
        return inputs[0] if layer.name in norms else layer(*inputs, **options)

    copy = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in model.layers:
        if layer.name in norms or not layer.weights:
            continue
        if layer.name in folded:
            copy.get_layer(layer.name).set_weights(_folded_weights(folded[layer.name]))
        else:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


def _folded_weights(pair: Pair) -> list[Array]:
    norm = pair.norm
    kernel, *rest = pair.layer.get_weights()
    bias = rest[0] if rest else 0.0
    variance = np.asarray(norm.moving_variance, np.float64)
    gamma = np.asarray(norm.gamma, np.float64) if norm.scale else 1.0
    beta = np.asarray(norm.beta, np.float64) if norm.center else 0.0
    factor = gamma / np.sqrt(variance + norm.epsilon)
    shift = beta + (bias - np.asarray(norm.moving_mean, np.float64)) * factor
    scaled = kernel * _over_output_channels(pair.layer, kernel, factor)
    return [scaled.astype(np.float32), np.broadcast_to(shift, factor.shape).astype(np.float32)]


def _over_output_channels(
    layer: keras.layers.Layer, kernel: Array, factor: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Shape a factor per output channel so that it multiplies `kernel`."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):  # (h, w, channels, multiplier)
        return factor.reshape(kernel.shape[2], kernel.shape[3])
    return factor  # (..., output channels)
