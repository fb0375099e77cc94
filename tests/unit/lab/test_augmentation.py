"""A recipe's augmentation: shapes stay, seeds decide, targets stay honest."""

from __future__ import annotations

import numpy as np
import pytest

from edgecls.lab.augmentation import STEPS, changed, cropped, mixed
from edgecls.lab.recipe import Augmentation

OFF = Augmentation(flip=0.0)


def _image(seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).integers(0, 256, (40, 56, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_keeps_shape_and_source_and_follows_its_seed(name: str) -> None:
    image = _image()
    before = image.copy()
    for seed in range(12):
        first = STEPS[name](np.random.default_rng(seed), image)
        assert (first.shape, first.dtype) == (image.shape, image.dtype)
        assert np.array_equal(first, STEPS[name](np.random.default_rng(seed), image))
    assert np.array_equal(image, before)
    assert not np.array_equal(first, image)


def test_every_step_of_the_table_is_a_field_of_the_recipe() -> None:
    assert set(STEPS) <= set(Augmentation.model_fields)


def test_nothing_asked_for_changes_nothing() -> None:
    image, rng = _image(), np.random.default_rng(1)
    assert np.array_equal(changed(rng, image, OFF), image)
    assert cropped(rng, image, OFF) is image


def test_probabilities_are_kept() -> None:
    image, rng = _image(), np.random.default_rng(1)
    half = Augmentation(flip=0.5)
    flips = sum(np.array_equal(changed(rng, image, half), image[:, ::-1]) for _ in range(400))
    assert 150 < flips < 250  # five standard deviations of 400 coins


def test_a_crop_keeps_the_wished_share_of_the_area() -> None:
    recipe = Augmentation(crop=1.0, crop_area=(0.4, 0.5))
    rng = np.random.default_rng(2)
    image = np.zeros((200, 300, 3), np.uint8)
    shares = [np.prod(cropped(rng, image, recipe).shape[:2]) / 60_000 for _ in range(100)]
    assert min(shares) > 0.33  # a window cannot be wider than the picture
    assert max(shares) < 0.52
    assert cropped(rng, np.zeros((1, 1, 3), np.uint8), recipe).size == 3


@pytest.mark.parametrize("method", ["mixup", "cutmix"])
def test_mixing_keeps_targets_in_proportion_to_the_pixels(method: str) -> None:
    images = np.zeros((4, 16, 16, 3), np.float32)
    images[2:] = 1.0
    targets = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    recipe = OFF.model_copy(update={method: 1.0})
    for seed in range(10):
        x, y = mixed(np.random.default_rng(seed), images, targets, recipe)
        assert np.allclose(y.sum(axis=1), 1.0, atol=1e-6)
        assert np.allclose(x.mean(axis=(1, 2, 3)), y[:, 1], atol=1e-5)  # white share = class 1
    assert set(np.unique(images)) == {0.0, 1.0}
