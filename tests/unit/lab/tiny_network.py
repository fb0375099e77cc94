"""A user's own network, as small as can be: recipes name it "tiny_network:tiny"."""

from __future__ import annotations

import keras
from keras import layers


def tiny(image: keras.KerasTensor, classes: int, *, width: int = 4) -> keras.Model:
    """Build one convolution, a mean, a dense layer."""
    x = layers.Conv2D(width, 3, strides=2, activation="relu", name="conv")(image)
    x = layers.Dropout(0.1, name="drop")(layers.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(image, layers.Dense(classes, name="answer")(x), name="tiny")


def probabilities(image: keras.KerasTensor, classes: int) -> keras.Model:
    """Build a network of another number of classes than asked for."""
    return keras.Model(image, layers.Dense(classes + 1)(layers.Flatten()(image)), name="wrong")
