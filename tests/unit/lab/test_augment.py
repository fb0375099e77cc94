"""Looks change, shapes do not, and a seed fixes everything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edgecls.lab.augment import STEPS, augmented


@pytest.fixture
def image() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("step", [step for step, _ in STEPS], ids=lambda step: step.__name__)
def test_step_keeps_shape_and_type_and_is_fixed_by_its_seed(step, image) -> None:  # type: ignore[no-untyped-def]
    before = image.copy()
    for seed in range(20):
        first = step(np.random.default_rng(seed), image)
        assert first.shape == image.shape
        assert first.dtype == np.uint8
        assert np.array_equal(first, step(np.random.default_rng(seed), image))
    assert np.array_equal(before, image)


def test_whole_chain_is_fixed_by_its_seed(image: npt.NDArray[np.uint8]) -> None:
    results = [augmented(np.random.default_rng(seed), image) for seed in (3, 3, 4)]
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
