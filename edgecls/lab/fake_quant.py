"""Train with int8 rounding: fake-quantized weights and activations, in Keras 3, on every back end.

Weights are rounded per output channel, symmetric to 0, -127 to 127; activations per tensor, -128 to
127, their range followed by a moving average of each batch's extremes. Gradients pass the rounding
unchanged where the value lies inside the range (straight-through estimator).

A batch normalization behind a layer multiplies each output channel by a number. That scales the
channel's largest weight just the same, so rounding before folding is rounding after folding, and
the training graph needs no folded copy.

Source:  Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-
         Arithmetic-Only Inference (2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from edgecls.errors import ConfigError

WEIGHT_LEVELS = 127
ACTIVATION_LEVELS = 255
SMALLEST = 1e-8
RANGE_SUFFIX = "_range"


def rounded(x: keras.KerasTensor) -> keras.KerasTensor:
    """Round to whole numbers; the gradient is that of the identity."""
    return x + ops.stop_gradient(ops.round(x) - x)


def fake_quantized_weights(kernel: keras.KerasTensor, axes: tuple[int, ...]) -> keras.KerasTensor:
    """Round weights to 255 levels per channel.

    Args:    axes: those that share a scale: all but the output channel's.
    """
    largest = ops.max(ops.abs(kernel), axis=axes, keepdims=True)
    scale = ops.stop_gradient(ops.maximum(largest, SMALLEST) / WEIGHT_LEVELS)
    return rounded(kernel / scale) * scale


def fake_quantized(
    x: keras.KerasTensor, low: keras.KerasTensor, high: keras.KerasTensor
) -> keras.KerasTensor:
    """Round to 256 levels between `low` <= 0 and `high` >= 0, moved so that 0 is a level.

    Values outside are clipped and pass no gradient.
    """
    scale = ops.maximum(high - low, SMALLEST) / ACTIVATION_LEVELS
    zero = ops.round(-low / scale)
    least, most = -zero * scale, (ACTIVATION_LEVELS - zero) * scale
    return rounded(ops.clip(x, least, most) / scale) * scale


@keras.saving.register_keras_serializable("edgecls")
class ActivationRange(layers.Layer):  # type: ignore[misc]
    """Fake-quantize what passes, with a range that follows the data while training.

    Args:    momentum: of the range's moving average.
    """

    def __init__(self, *, momentum: float = 0.99, **options: Any) -> None:  # Any: Keras' own
        super().__init__(**options)
        self.momentum = momentum

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        del input_shape
        shared = {"shape": (), "initializer": "zeros", "trainable": False, "dtype": "float32"}
        self.low = self.add_weight(name="low", **shared)
        self.high = self.add_weight(name="high", **shared)
        self.seen = self.add_weight(name="seen", **shared)

    def call(self, x: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if training:
            values = ops.stop_gradient(ops.cast(x, "float32"))
            self._follow(ops.minimum(ops.min(values), 0.0), ops.maximum(ops.max(values), 0.0))
        quantized = fake_quantized(x, ops.cast(self.low, x.dtype), ops.cast(self.high, x.dtype))
        return ops.where(ops.cast(self.seen, "bool"), quantized, x)

    def _follow(self, low: keras.KerasTensor, high: keras.KerasTensor) -> None:
        kept = self.momentum * ops.convert_to_tensor(self.seen)  # the first batch counts whole
        self.low.assign(kept * self.low + (1 - kept) * low)
        self.high.assign(kept * self.high + (1 - kept) * high)
        self.seen.assign(ops.ones(()))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:  # Any: JSON
        return {**super().get_config(), "momentum": self.momentum}


@keras.saving.register_keras_serializable("edgecls")
class FakeQuantConv2D(layers.Conv2D):  # type: ignore[misc]
    """A convolution with int8-rounded weights."""

    def convolution_op(
        self, inputs: keras.KerasTensor, kernel: keras.KerasTensor
    ) -> keras.KerasTensor:
        return super().convolution_op(inputs, fake_quantized_weights(kernel, (0, 1, 2)))


@keras.saving.register_keras_serializable("edgecls")
class FakeQuantDepthwiseConv2D(layers.DepthwiseConv2D):  # type: ignore[misc]
    """A depthwise convolution with int8-rounded weights, a scale per channel."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        outputs = ops.depthwise_conv(
            inputs,
            fake_quantized_weights(ops.convert_to_tensor(self.kernel), (0, 1)),
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
        if self.use_bias:
            outputs = ops.add(outputs, ops.reshape(self.bias, (1, 1, 1, -1)))
        return outputs if self.activation is None else self.activation(outputs)


@keras.saving.register_keras_serializable("edgecls")
class FakeQuantDense(layers.Dense):  # type: ignore[misc]
    """A dense layer with int8-rounded weights, a scale per output."""

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        del training
        kernel = fake_quantized_weights(ops.convert_to_tensor(self.kernel), (0,))
        outputs = ops.matmul(inputs, kernel)
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


_REPLACED: Mapping[type[layers.Layer], type[layers.Layer]] = {
    layers.Conv2D: FakeQuantConv2D,
    layers.DepthwiseConv2D: FakeQuantDepthwiseConv2D,
    layers.Dense: FakeQuantDense,
}
_TRANSPARENT = (
    layers.Dropout, layers.Flatten, layers.Reshape, layers.ZeroPadding2D, layers.MaxPooling2D,
    layers.Identity,
)  # fmt: skip
"""Their output has values of their input only: no range of their own."""
_FUSED_BEHIND = (layers.BatchNormalization, layers.ReLU, layers.Activation)
"""An int8 kernel takes these in, so the value between has no range either."""


def with_fake_quant(model: keras.Model) -> keras.Model:
    """Return a copy of a flat functional model that computes as its int8 file will.

    Layers keep names and weights. Every tensor that an int8 file stores gets a range, the logits
    excepted.

    Raises:  ConfigError for a model that has models inside.
    """
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        raise ConfigError(
            f"fake_quant needs a flat network, {model.name} has models inside",
            hint="build the backbone on the input tensor: input_tensor=image",
        )
    ranged = _stored_tensors(model)
    given = keras.Input(batch_shape=model.input.shape, name=model.input.name)
    image = ActivationRange(name=f"image{RANGE_SUFFIX}")(given)  # stored as int8, too

    def clone(layer: keras.Operation) -> keras.Operation:
        made = _REPLACED.get(type(layer), type(layer)).from_config(layer.get_config())
        if isinstance(layer, layers.Layer):  # else a plain operation, such as x + 3
            made.trainable = layer.trainable
        return made

    def call(
        layer: keras.Operation, *args: Any, **options: Any
    ) -> Any:  # Any: as Keras calls layers
        args = keras.tree.map_structure(lambda part: image if part is given else part, args)
        outputs = layer(*args, **options)
        if layer.name not in ranged:
            return outputs
        return ActivationRange(name=f"{layer.name}{RANGE_SUFFIX}")(outputs)

    copy = keras.models.clone_model(
        model, input_tensors=given, clone_function=clone, call_function=call
    )
    copy_weights(model, copy)
    return copy


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of all layers that have the same name in both; ranges are left out."""
    names = {layer.name for layer in target.layers}
    for layer in source.layers:
        if layer.name in names and not isinstance(layer, ActivationRange):
            target.get_layer(layer.name).set_weights(layer.get_weights())


def ranges_of(model: keras.Model) -> dict[str, tuple[float, float]]:
    """Return the range that each layer's output was trained with, by the layer's name."""
    return {
        layer.name.removesuffix(RANGE_SUFFIX): (float(layer.low), float(layer.high))
        for layer in model.layers
        if isinstance(layer, ActivationRange)
    }


def _readers(model: keras.Model) -> dict[str, list[keras.Operation]]:
    """Return, for every operation's name, the operations that read its output."""
    readers: dict[str, list[keras.Operation]] = {each.name: [] for each in model.operations}
    for each in model.operations:
        if isinstance(each, layers.InputLayer):
            continue
        for tensor in keras.tree.flatten(each.input):
            if hasattr(tensor, "_keras_history"):
                readers[tensor._keras_history.operation.name].append(each)
    return readers


def _stored_tensors(model: keras.Model) -> set[str]:
    """Return the names of the layers whose output gets a range."""
    readers = _readers(model)
    ends = {tensor._keras_history.operation.name for tensor in model.outputs}
    stored = set()
    for layer in model.layers:
        after = readers[layer.name]
        fused = len(after) == 1 and isinstance(after[0], _FUSED_BEHIND)
        if (
            not isinstance(layer, (*_TRANSPARENT, layers.InputLayer))
            and layer.name not in ends
            and not fused
        ):
            stored.add(layer.name)
    return stored
