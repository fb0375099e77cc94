"""The gradient of a Keras classifier's loss with respect to the pixels that it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecls.bundle.manifest import InputRule, Manifest
from edgecls.bundle.preprocess import normalised
from edgecls.errors import ConfigError

Floats = npt.NDArray[np.float32]
Tensor = Any  # TensorFlow's own, which has no stubs


def _of_logits(outputs: Tensor, labels: Tensor) -> Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs)


def _of_logit(outputs: Tensor, labels: Tensor) -> Tensor:
    if outputs.shape[-1] == 1:
        wanted = tf.cast(labels, tf.float32)[:, None]
    else:
        wanted = tf.one_hot(labels, outputs.shape[-1])
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(wanted, outputs), axis=-1)


def _of_probabilities(outputs: Tensor, labels: Tensor) -> Tensor:
    if outputs.shape[-1] == 1:
        outputs = tf.concat([1 - outputs, outputs], axis=-1)
    return -tf.math.log(tf.gather(outputs, labels, batch_dims=1) + 1e-12)


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "softmax": _of_logits,
    "sigmoid": _of_logit,
    "none": _of_probabilities,
}
"""The bundle's activation -> the cross-entropy of what the net gives, one value per picture."""


class PixelGradients:
    """Ask a net in which direction each pixel makes it more wrong, or more sure.

    Args:    model: gives what the bundle's files give, before the activation.
             manifest: of the bundle: input rule, labels, activation.
    Raises:  ConfigError when the net has another input than the bundle.
    """

    def __init__(self, model: keras.Model, manifest: Manifest) -> None:
        rule = manifest.input
        expected = (rule.height, rule.width, rule.channels)
        if tuple(model.input.shape[1:]) != expected:
            raise ConfigError(
                f"the net takes {tuple(model.input.shape[1:])}, the bundle {expected}",
                hint="give the .keras file that the bundle was made from",
            )
        self._model = model
        self._rule: InputRule = rule
        self._loss = LOSSES[manifest.output.activation]
        self._batch = model.input.shape[0]

    def slope(self, pixels: Floats, labels: npt.NDArray[np.int64]) -> Floats:
        """Return d loss / d pixel, in loss per grey level.

        Args:    pixels: 0 to 255, whole numbers or not, in the rule's colours, shape (N, H, W, C).
                 labels: index of the label, shape (N,).
        Returns: the same shape.
        """
        if self._batch == 1:
            pairs = zip(pixels, labels, strict=True)
            singles = [self._slope(picture[None], label[None]) for picture, label in pairs]
            return np.asarray(np.concatenate(singles))
        return self._slope(pixels, labels)

    def _slope(self, pixels: Floats, labels: npt.NDArray[np.int64]) -> Floats:
        mean = np.asarray(self._rule.mean, np.float32)
        std = np.asarray(self._rule.std, np.float32)
        images = tf.constant((pixels - mean) / std)
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = self._loss(self._model(images, training=False), tf.constant(labels))
        return np.asarray(tape.gradient(loss, images).numpy() / std, np.float32)

    def outputs(self, pixels: npt.NDArray[np.uint8]) -> Floats:
        """Return what the net gives for one picture, shape (H, W, C), before the activation."""
        image = normalised(pixels, self._rule)[None]
        outputs = np.asarray(self._model(image, training=False), np.float32)
        return np.asarray(outputs[0])
