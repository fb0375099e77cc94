"""Stored views: composed once, judged once by the teachers, mirrored whole when they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from keras import layers  # noqa: E402

from edgecls.bundle.manifest import InputRule  # noqa: E402
from edgecls.bundle.open import shipped_path  # noqa: E402
from edgecls.lab.compose import Composer  # noqa: E402
from edgecls.lab.data import Sample  # noqa: E402
from edgecls.lab.distil import DistillationLoss, StoredDistillationLoss  # noqa: E402
from edgecls.lab.image_batches import Feeding  # noqa: E402
from edgecls.lab.stored_views import StoredViews, Views, stored_views  # noqa: E402

# keras.saving asks numpy 2 for arrays in a way that h5py's own objects do not know yet
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RULE = InputRule(width=32, height=32, mean=(127.5,) * 3, std=(127.5,) * 3)


def _feeding() -> Feeding:
    return Feeding(rule=RULE, batch=8, seed=4, workers=1)


def _composer() -> Composer:
    boxes = np.array([[0.2, 0.2, 0.8, 0.9]], np.float32)
    samples = [
        Sample(Path("p"), "person", "one", boxes),
        Sample(Path("e"), "no_person", "two", boxes[:0]),
    ]
    pixels = np.stack([np.full((64, 64, 3), shade, np.uint8) for shade in (220, 30)])
    return Composer(samples, pixels, size_px=64, plain=True)


def test_views_are_made_once_and_judged_at_the_teachers_size(tmp_path: Path) -> None:
    image = keras.Input((64, 64, 3))
    dense = layers.Dense(2, kernel_initializer="zeros", bias_initializer="zeros")
    mean = layers.GlobalAveragePooling2D()(image)
    keras.Model(image, layers.Concatenate()([dense(mean)[:, :1], mean[:, :1]])).save(
        tmp_path / "teacher.keras"
    )
    teachers = [str(tmp_path / "teacher.keras")]
    cache = tmp_path / "cache"
    views = stored_views(_composer(), _feeding(), teachers, count=40, cache=cache)
    assert views.images.shape == (40, 32, 32, 3)
    assert set(views.labels.tolist()) == {0, 1}
    seen = views.images.astype(np.float32).mean((1, 2))[:, 0] / 127.5 - 1
    assert np.allclose(views.answers[:, 1], seen, atol=0.02)  # the shrunk picture's mean
    made = sorted(file.stat().st_mtime_ns for file in cache.iterdir())
    again = stored_views(_composer(), _feeding(), teachers, count=40, cache=cache)
    assert np.array_equal(again.images, views.images)
    assert sorted(file.stat().st_mtime_ns for file in cache.iterdir()) == made


def test_a_bundle_teaches_by_its_scores(tmp_path: Path) -> None:
    shipped = [str(shipped_path())]
    views = stored_views(_composer(), _feeding(), shipped, count=3, cache=tmp_path)
    assert np.allclose(np.exp(views.answers).sum(axis=1), 1.0, atol=1e-3)  # log scores


def test_a_mirrored_view_keeps_its_person_under_the_same_pixels() -> None:
    images = np.zeros((1, 32, 32, 3), np.uint8)
    images[:, :, :16] = 255
    heat = np.array([[[1, 0]]], np.int8).repeat(2, axis=1)
    views = Views(images, np.array([1]), heat, np.array([[0.0, 3.0]], np.float32))
    pixels, targets = StoredViews(views, _feeding(), steps=1)[0]
    left = pixels[:, 0, 0, 0] > 0
    assert set(left.tolist()) == {True, False}
    assert np.array_equal(targets["heat"][:, 0, 0, 0] == 1, left)
    assert np.array_equal(targets["logits"][0], [0.0, 1.0, 0.0, 3.0])


def test_the_loss_is_the_one_beside_a_teacher() -> None:
    student = np.array([[1.0, -0.5], [0.0, 2.0]], np.float32)
    teacher = np.array([[2.0, 0.0], [-1.0, 1.0]], np.float32)
    labels = np.eye(2, dtype=np.float32)
    given = {"temperature": 2.0, "weight": 0.7}
    stored = StoredDistillationLoss(**given)(np.concatenate([labels, teacher], 1), student)
    beside = DistillationLoss(**given)(labels, np.concatenate([student, teacher], 1))
    assert float(stored) == pytest.approx(float(beside), rel=1e-6)
    plain = keras.losses.CategoricalCrossentropy(from_logits=True)(labels, student)
    assert float(StoredDistillationLoss(**given)(labels, student)) == pytest.approx(float(plain))
