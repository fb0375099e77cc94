"""The networks that recipes can name. All end in logits; the suite applies softmax in float32."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers, ops


def person_mobilenet_v2(
    size_px: int, *, weights: Path | None = None, alpha: float = 1.0, dropout: float = 0.2
) -> keras.Model:
    """Build MobileNetV2 that looks twice: at the image's mean and at its most person-like cell.

    Outputs: "logits" (N, 2), and "heat" (N, S/32, S/32, 1), one person logit per cell, trained on
    boxes. The heat's maximum is added to the logits, so that a far person is not averaged away.
    BatchNorm always runs on its stored statistics: batches are small, their mix is not the door's.
    """
    base = keras.applications.MobileNetV2(
        alpha=alpha, input_shape=(size_px, size_px, 3), include_top=False, weights=None
    )
    if weights is not None:
        base.load_weights(str(weights))
    image = keras.Input((size_px, size_px, 3), name="image")
    features = base(image, training=False)
    heat = layers.Conv2D(1, 1, name="heat", bias_initializer=keras.initializers.Constant(-2.0))(
        features
    )
    mean = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(features))
    peak = layers.GlobalMaxPooling2D()(heat)
    logits = layers.Add(name="logits")(
        [layers.Dense(2, name="from_mean")(mean), layers.Dense(2, name="from_peak")(peak)]
    )
    return keras.Model(image, {"logits": logits, "heat": heat}, name="doorbell_person")


def resized(model: keras.Model, size_px: int) -> keras.Model:
    """Rebuild a person net for another input size, with the same weights."""
    other = person_mobilenet_v2(size_px)
    other.set_weights(model.get_weights())
    return other


def classifier_of(model: keras.Model) -> keras.Model:
    """Drop the training-only heat output: image in, logits out, batch of one."""
    size_px = model.input.shape[1]
    image = keras.Input((size_px, size_px, 3), batch_size=1, name="image")
    return keras.Model(image, model(image, training=False)["logits"], name="classifier")


def freeze_below(model: keras.Model, layer: str | None) -> None:
    """Make a net trainable from the named layer of its base upwards; None freezes the base."""
    base = next(part for part in model.layers if isinstance(part, keras.Model))
    names = [part.name for part in base.layers]
    first = len(names) if layer is None else names.index(layer)
    for index, part in enumerate(base.layers):
        part.trainable = index >= first


def heat_loss(target: keras.KerasTensor, heat: keras.KerasTensor) -> keras.KerasTensor:
    """Binary cross-entropy per cell; cells marked -1 are left out."""
    counted = ops.cast(target >= 0.0, "float32")
    loss = ops.binary_crossentropy(ops.maximum(target, 0.0), heat, from_logits=True)
    return ops.sum(loss * counted, axis=(1, 2, 3)) / (ops.sum(counted, axis=(1, 2, 3)) + 1.0)
