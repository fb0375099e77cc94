"""Networks as users write them, good and bad: recipes name them "own_layers:<function>"."""

from __future__ import annotations

import keras
from keras import layers


class Doubled(layers.Layer):  # type: ignore[misc]
    """A layer that its author forgot to register."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x * 2


@keras.saving.register_keras_serializable("own_layers")
class Halved(layers.Layer):  # type: ignore[misc]
    """A layer that Keras can find again, once this module is imported."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x / 2


def _ended(image: keras.KerasTensor, x: keras.KerasTensor, classes: int) -> keras.Model:
    return keras.Model(image, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)))


def registered(image: keras.KerasTensor, classes: int) -> keras.Model:
    return _ended(image, Halved()(layers.Conv2D(4, 3)(image)), classes)


def unregistered(image: keras.KerasTensor, classes: int) -> keras.Model:
    return _ended(image, Doubled()(layers.Conv2D(4, 3)(image)), classes)


def unsafe(image: keras.KerasTensor, classes: int) -> keras.Model:
    return _ended(image, layers.Lambda(lambda x: x * 2)(image), classes)


def nothing(image: keras.KerasTensor, classes: int) -> None:
    del image, classes


def tensor(image: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    return layers.Dense(classes)(layers.Flatten()(image))


def probabilities(image: keras.KerasTensor, classes: int) -> keras.Model:
    return keras.Model(image, layers.Dense(classes, activation="softmax")(layers.Flatten()(image)))


def of_any_size(image: keras.KerasTensor, classes: int) -> keras.Model:
    del image
    other = keras.Input((None, None, 3))
    return _ended(other, other, classes)


def nested(image: keras.KerasTensor, classes: int) -> keras.Model:
    inner_image = keras.Input((None, None, 3))
    x = layers.BatchNormalization(name="inner_bn")(layers.Conv2D(4, 3, name="inner")(inner_image))
    return _ended(image, keras.Model(inner_image, x, name="backbone")(image), classes)


def in_a_row(image: keras.KerasTensor, classes: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(image.shape[1:]), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(),
            layers.Dense(classes),
        ]
    )  # fmt: skip


def gated(image: keras.KerasTensor, classes: int) -> keras.Model:
    """Read a convolution twice: by its normalization, and by a plain operation."""
    x = layers.Conv2D(4, 3, name="shared")(image)
    return _ended(image, layers.BatchNormalization()(x) * keras.ops.sigmoid(x), classes)


def image_again(image: keras.KerasTensor, classes: int) -> keras.Model:
    """Read the image a second time, late and not as the first input."""
    x = layers.Conv2D(3, 3, padding="same")(image)
    return _ended(image, layers.Conv2D(4, 3)(layers.Concatenate()([x, image])), classes)
