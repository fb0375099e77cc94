"""Learn from bigger networks: their logits travel beside the student's own as one tensor.

So plain compile and fit do, on every Keras back end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
from keras import layers, ops

from edgecls.errors import ConfigError
from edgecls.lab.weights import model_from_file


class DistillationLoss(keras.losses.Loss):  # type: ignore[misc]
    """Weigh cross-entropy with the labels against divergence from the teacher.

    The prediction is (N, 2 * classes): the student's logits, then the teacher's. Rows of the target
    that are all 0 have no label and count for the teacher only.

    Source:  Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network (2015); the soft
             part is multiplied by temperature squared, as there.
    """

    def __init__(self, *, temperature: float, weight: float) -> None:
        super().__init__(name="distillation")
        self.temperature, self.weight = temperature, weight

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        student, teacher = ops.split(y_pred, 2, axis=-1)
        hard = ops.categorical_crossentropy(y_true, student, from_logits=True)
        target = ops.log_softmax(teacher / self.temperature, axis=-1)
        guess = ops.log_softmax(student / self.temperature, axis=-1)
        soft = ops.sum(ops.exp(target) * (target - guess), axis=-1) * self.temperature**2
        return (1 - self.weight) * hard + self.weight * soft


class StoredDistillationLoss(DistillationLoss):
    """The same, with the teacher's logits beside the labels in the target, (N, 2 * classes).

    A target of labels alone, as in validation, counts as plain cross-entropy.
    """

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        if y_true.shape[-1] == y_pred.shape[-1]:
            return ops.categorical_crossentropy(y_true, y_pred, from_logits=True)
        labels, teacher = ops.split(y_true, 2, axis=-1)
        return super().call(labels, ops.concatenate([y_pred, teacher], axis=-1))


def labels_accuracy(y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """Return 1 where the highest logit is the label's, whatever stands behind the labels."""
    labels = y_true[:, : y_pred.shape[-1]]
    return ops.cast(ops.argmax(labels, axis=-1) == ops.argmax(y_pred, axis=-1), "float32")


def student_accuracy(y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """Return 1 where the student's highest logit is the label's, shape (N,)."""
    student, _ = ops.split(y_pred, 2, axis=-1)
    return ops.cast(ops.argmax(y_true, axis=-1) == ops.argmax(student, axis=-1), "float32")


def beside_teachers(
    image: keras.KerasTensor, logits: keras.KerasTensor, files: Sequence[str]
) -> keras.KerasTensor:
    """Return the student's logits with the teachers' mean logits appended, (N, 2 * classes).

    Teachers read the same normalised image, resized to their own input; they do not learn.

    Raises:  WeightsError for a file that is no model, ConfigError for other classes.
    """
    answers = []
    for number, file in enumerate(files):
        teacher = model_from_file(Path(file))
        teacher.trainable = False
        teacher.name = f"teacher{number}"
        _, height, width, _ = teacher.input.shape
        seen = image
        if (height, width) != tuple(image.shape[1:3]):
            seen = layers.Resizing(height, width, name=f"for_teacher{number}")(image)
        answer = teacher(seen, training=False)
        if answer.shape != logits.shape:
            raise ConfigError(
                f"the teacher {file} gives {answer.shape}, expected {logits.shape}: the same "
                "labels as the recipe"
            )
        answers.append(answer)
    mean = answers[0] if len(answers) == 1 else layers.Average(name="teachers")(answers)
    return layers.Concatenate(name="student_and_teacher", dtype="float32")([logits, mean])
