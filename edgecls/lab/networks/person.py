"""The shipped person network: MobileNetV2 that judges the whole picture and its likeliest cell."""

from __future__ import annotations

import keras
from keras import layers

from edgecls.lab.networks.network import Network

HEAT_BIAS = -2.0


def person_mobilenet_v2(
    image: keras.KerasTensor, classes: int, *, width: float = 1.0, dropout: float = 0.2
) -> Network:
    """Build MobileNetV2 with a second target: a person logit per cell, trained on boxes.

    The highest cell is added to the logits, so that a far person is not averaged away.
    """
    backbone = keras.applications.MobileNetV2(
        alpha=width, input_tensor=image, include_top=False, weights=None
    )
    features = backbone.output
    heat = layers.Conv2D(
        1, 1, name="heat", bias_initializer=keras.initializers.Constant(HEAT_BIAS)
    )(features)
    mean = layers.Dropout(dropout)(layers.GlobalAveragePooling2D(name="features")(features))
    peak = layers.GlobalMaxPooling2D(name="peak")(heat)
    logits = layers.Add(name="logits")(
        [
            layers.Dense(classes, name="from_mean")(mean),
            layers.Dense(classes, name="from_peak")(peak),
        ]
    )
    model = keras.Model(image, logits, name="person_mobilenet_v2")
    return Network(model, backbone, features, heat)
