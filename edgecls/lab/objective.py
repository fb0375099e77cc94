"""What a network is trained for: labels, perhaps teachers, perhaps person boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from edgecls.lab.distil import (
    DistillationLoss,
    StoredDistillationLoss,
    beside_teachers,
    labels_accuracy,
    student_accuracy,
)
from edgecls.lab.networks.network import Network
from edgecls.lab.recipe import Distillation


@dataclass(frozen=True)
class Objective:
    """A model to fit, and the arguments of its compile."""

    model: keras.Model
    compile: dict[str, Any]  # Any: Keras takes losses and metrics in several forms


def heat_loss(target: keras.KerasTensor, heat: keras.KerasTensor) -> keras.KerasTensor:
    """Binary cross-entropy per cell; cells marked -1 are left out."""
    counted = ops.cast(target >= 0.0, "float32")
    loss = ops.binary_crossentropy(ops.maximum(target, 0.0), heat, from_logits=True)
    return ops.sum(loss * counted, axis=(1, 2, 3)) / (ops.sum(counted, axis=(1, 2, 3)) + 1.0)


def objective_of(
    network: Network, distillation: Distillation | None, *, heat_weight: float, stored: bool = False
) -> Objective:
    """Wrap a network for training; all its layers are shared with it.

    Args:    stored: the teachers' answers come with the targets; see `stored_views`.
    """
    image, logits = network.model.input, network.model.output
    loss: keras.losses.Loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    accuracy: Any = "accuracy"
    if distillation is not None and stored:
        loss = StoredDistillationLoss(
            temperature=distillation.temperature, weight=distillation.weight
        )
        accuracy = keras.metrics.MeanMetricWrapper(labels_accuracy, name="accuracy")
    elif distillation is not None:
        logits = beside_teachers(image, logits, distillation.teachers)
        loss = DistillationLoss(temperature=distillation.temperature, weight=distillation.weight)
        accuracy = keras.metrics.MeanMetricWrapper(student_accuracy, name="accuracy")
    if network.heat is None:
        model = network.model if distillation is None else keras.Model(image, logits)
        return Objective(model, {"loss": loss, "metrics": [accuracy]})
    return Objective(
        keras.Model(image, {"logits": logits, "heat": network.heat}),
        {
            "loss": {"logits": loss, "heat": heat_loss},
            "loss_weights": {"logits": 1.0, "heat": heat_weight},
            "metrics": {"logits": [accuracy]},
        },
    )


def without_output_names(logs: dict[str, float], *, known: Sequence[str] = ("logits",)) -> Any:
    """Call "logits_accuracy" and "val_logits_accuracy" what they are without other outputs."""
    renamed = {}
    for name, value in logs.items():
        prefix = "val_" if name.startswith("val_") else ""
        bare = name.removeprefix(prefix)
        for output in known:
            if bare == f"{output}_accuracy":
                bare = "accuracy"
        renamed[prefix + bare] = float(value)
    return renamed
