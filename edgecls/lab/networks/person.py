"""Person networks: they judge the whole picture and, apart from it, its likeliest cell."""

from __future__ import annotations

import keras
from keras import layers

from edgecls.lab.networks.network import Network
from edgecls.lab.networks.slim import slim_mobilenet_v2

HEAT_BIAS = -2.0
"""Most cells show no person: the first guess of each is 12 %."""


def person_mobilenet_v2(
    image: keras.KerasTensor, classes: int, *, width: float = 1.0, dropout: float = 0.2
) -> Network:
    """Build the shipped person network: MobileNetV2 with a person logit per cell."""
    backbone = keras.applications.MobileNetV2(
        alpha=width, input_tensor=image, include_top=False, weights=None
    )
    return _with_heat(image, backbone, classes, dropout=dropout, name="person_mobilenet_v2")


def person_mobilenet_v1(
    image: keras.KerasTensor, classes: int, *, width: float = 0.25, dropout: float = 0.1
) -> Network:
    """Build the small person network: MobileNet with a person logit per cell."""
    backbone = keras.applications.MobileNet(
        alpha=width, input_tensor=image, include_top=False, weights=None
    )
    return _with_heat(image, backbone, classes, dropout=dropout, name="person_mobilenet_v1")


def person_mobilenet_v2_slim(
    image: keras.KerasTensor, classes: int, *, dropout: float = 0.0
) -> Network:
    """Build a narrow person_mobilenet_v2, 15 M multiply-accumulates at 128 px."""
    backbone = slim_mobilenet_v2(image)
    short = "slim"  # stands in each tensor's name: a longer one takes the int8 file above 400 kB
    return _with_heat(image, backbone, classes, dropout=dropout, name=short)


def _with_heat(
    image: keras.KerasTensor, backbone: keras.Model, classes: int, *, dropout: float, name: str
) -> Network:
    """Add a second target, a person logit per cell, trained on boxes.

    The highest cell is added to the logits, so that a far person is not averaged away.
    """
    features = backbone.output
    bias = keras.initializers.Constant(HEAT_BIAS)
    heat = layers.Conv2D(1, 1, name="heat", bias_initializer=bias)(features)
    mean = layers.GlobalAveragePooling2D(name="features")(features)
    seen = layers.Dropout(dropout, name="head_dropout")(mean)
    peak = layers.GlobalMaxPooling2D(name="peak")(heat)
    whole, cell = layers.Dense(classes, name="from_mean"), layers.Dense(classes, name="from_peak")
    logits = layers.Add(name="logits", dtype="float32")([whole(seen), cell(peak)])
    return Network(keras.Model(image, logits, name=name), backbone, features, heat)
