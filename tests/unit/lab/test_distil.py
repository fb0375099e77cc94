"""Distillation: the loss is the published formula, teachers stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from keras import layers  # noqa: E402

from edgecls.errors import ConfigError  # noqa: E402
from edgecls.lab.distil import DistillationLoss, beside_teachers, student_accuracy  # noqa: E402
from edgecls.lab.weights import WeightsError  # noqa: E402

# keras.saving asks numpy 2 for arrays in a way that h5py's own objects do not know yet
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STUDENT = np.array([[1.0, -0.5, 0.2], [0.0, 2.0, -1.0]], np.float32)
TEACHER = np.array([[2.0, 0.0, 0.0], [-1.0, 1.0, 3.0]], np.float32)
PAIR = np.concatenate([STUDENT, TEACHER], axis=1)


def _log_softmax(logits: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.log(raised / raised.sum(axis=1, keepdims=True))


def test_the_loss_is_hintons() -> None:
    labels = np.eye(3, dtype=np.float32)[[0, 1]]
    t = 3.0
    hard = -(labels * _log_softmax(STUDENT)).sum(axis=1)
    target, guess = _log_softmax(TEACHER / t), _log_softmax(STUDENT / t)
    soft = (np.exp(target) * (target - guess)).sum(axis=1) * t * t
    loss = DistillationLoss(temperature=t, weight=0.7)(labels, PAIR)
    assert float(loss) == pytest.approx(float((0.3 * hard + 0.7 * soft).mean()), rel=1e-5)


def test_images_without_a_label_count_for_the_teacher_only() -> None:
    none = np.zeros((2, 3), np.float32)
    loss = DistillationLoss(temperature=1.0, weight=0.5)
    same = np.concatenate([TEACHER, TEACHER], axis=1)
    assert float(loss(none, same)) == pytest.approx(0.0, abs=1e-6)
    assert float(loss(none, PAIR)) > 0.1


def test_accuracy_is_the_students() -> None:
    labels = np.eye(3, dtype=np.float32)[[0, 2]]
    assert np.asarray(student_accuracy(labels, PAIR)).tolist() == [1.0, 0.0]


def _teacher(path: Path, value: float, *, classes: int = 3, size_px: int = 8) -> str:
    image = keras.Input((size_px, size_px, 3))
    dense = layers.Dense(classes, bias_initializer=keras.initializers.Constant(value))
    model = keras.Model(image, dense(layers.Flatten()(image)))
    model.save(path)
    return str(path)


def test_teachers_are_averaged_resized_for_and_not_trained(tmp_path: Path) -> None:
    files = [_teacher(tmp_path / "a.keras", 1.0), _teacher(tmp_path / "b.keras", 4.0, size_px=16)]
    image = keras.Input((8, 8, 3))
    logits = layers.Dense(3, name="logits")(layers.Flatten()(image))
    model = keras.Model(image, beside_teachers(image, logits, files))
    assert [w.path for w in model.trainable_weights] == ["logits/kernel", "logits/bias"]
    answers = np.asarray(model(np.zeros((2, 8, 8, 3), np.float32)))
    assert answers.shape == (2, 6)
    assert np.allclose(answers[:, 3:], 2.5)


def test_a_teacher_of_other_labels_or_no_teacher_is_refused(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    logits = layers.Dense(3)(layers.Flatten()(image))
    four = _teacher(tmp_path / "four.keras", 0.0, classes=4)
    with pytest.raises(ConfigError, match=r"gives \(None, 4\), expected \(None, 3\)"):
        beside_teachers(image, logits, [four])
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(WeightsError, match="is not a Keras model"):
        beside_teachers(image, logits, [str(tmp_path / "text.keras")])
