"""What every network is made of: a backbone that turns an image into features, and a head."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers


@dataclass(frozen=True)
class Network:
    """A classifier and where its head begins.

    Args:    model: image (N, S, S, 3) to logits (N, classes) in float32, one flat functional model
             that has no softmax; the suite applies it.
             backbone: the part of it that pretrained weights belong to, or None.
             features: the tensor the head starts from, shape (N, channels).
             heat: (N, rows, columns, 1), a logit per cell trained on boxes; None without such.
    """

    model: keras.Model
    backbone: keras.Model | None
    features: keras.KerasTensor
    heat: keras.KerasTensor | None = None


def with_head(
    image: keras.KerasTensor, backbone: keras.Model, classes: int, *, dropout: float, name: str
) -> Network:
    """Put global average pooling, dropout and one dense layer on a backbone.

    Args:    backbone: built on `image`, ends in a feature map (N, rows, columns, channels).
    """
    features = layers.GlobalAveragePooling2D(name="features")(backbone.output)
    logits = logits_from(layers.Dropout(dropout, name="head_dropout")(features), classes)
    return Network(keras.Model(image, logits, name=name), backbone, features)


def logits_from(features: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """End a network: one dense layer, float32 whatever the precision of the rest."""
    return layers.Dense(classes, name="logits", dtype="float32")(features)
