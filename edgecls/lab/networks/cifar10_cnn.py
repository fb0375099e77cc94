"""The small plain net of a CIFAR-10 course: five 3x3 convolutions and two dense layers."""

from __future__ import annotations

import keras
from keras import layers

from edgecls.lab.networks.network import Network, logits_from


def cifar10_cnn(image: keras.KerasTensor, classes: int, *, dropout: float = 0.0) -> Network:
    """Build the course's net; exactly 79,626 parameters for 32x32x3 and 10 classes.

    The convolutions have no padding, so that 32 px shrink to 30, 28, (pool) 14, 12, 10, (pool) 5,
    3, (pool) 1: the dense layer of 64 reads 64 values, which is what that count says.
    """
    x = image
    for number, (filters, pooled) in enumerate(
        ((32, False), (32, True), (32, False), (64, True), (64, True)), start=1
    ):
        x = layers.Conv2D(filters, 3, activation="relu", name=f"conv{number}")(x)
        if pooled:
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    features = layers.Dense(64, activation="relu", name="dense")(layers.Flatten(name="flat")(x))
    logits = logits_from(layers.Dropout(dropout, name="head_dropout")(features), classes)
    return Network(keras.Model(image, logits, name="cifar10_cnn"), None, features)
