"""Views say truthfully what they show: a crop that loses its person is never labelled person."""

from __future__ import annotations

import numpy as np
import pytest

from edgecls.lab.views import (
    FULL,
    boxes_in_view,
    cut,
    heat_from_boxes,
    label_of_view,
    paste,
    random_window,
    window_around,
    window_labelled,
)

BOX = np.array([[0.4, 0.2, 0.6, 0.9]], dtype=np.float32)


def test_view_with_the_whole_box_is_person() -> None:
    assert label_of_view(BOX, FULL) == 1
    assert label_of_view(BOX, (0.35, 0.1, 0.65, 0.95)) == 1


def test_view_beside_the_box_is_empty() -> None:
    assert label_of_view(BOX, (0.0, 0.0, 0.39, 1.0)) == 0


def test_view_that_grazes_the_box_is_neither() -> None:
    assert label_of_view(BOX, (0.0, 0.0, 0.45, 1.0)) is None


def test_view_of_a_photograph_without_boxes_is_empty() -> None:
    assert label_of_view(np.zeros((0, 4), np.float32), FULL) == 0


def test_person_below_the_smallest_area_is_not_trained_on() -> None:
    assert label_of_view(np.array([[0.5, 0.5, 0.55, 0.6]], np.float32), FULL) is None


@pytest.mark.parametrize("seed", range(200))
def test_every_window_labelled_person_keeps_enough_of_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    window = window_labelled(lambda: random_window(rng, area=(0.05, 0.9)), BOX, 1)
    if window is None:
        return
    clipped, visible = boxes_in_view(BOX, window)
    assert visible[0] >= 0.33
    assert np.prod(clipped[0, 2:] - clipped[0, :2]) >= 0.006


@pytest.mark.parametrize("seed", range(50))
def test_windows_lie_inside_the_photograph(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for window in (random_window(rng, area=(0.02, 1.0)), window_around(rng, BOX[0])):
        assert min(window) >= 0.0
        assert window[0] < window[2] <= 1.05
        assert window[1] < window[3] <= 1.05


@pytest.mark.parametrize("window", [FULL, (0.999, 0.999, 1.0, 1.0), (0.2, 0.0, 0.21, 1.0)])
def test_cut_fills_the_size_asked_for(window: tuple[float, float, float, float]) -> None:
    image = np.arange(30 * 40 * 3, dtype=np.uint32).reshape(30, 40, 3).astype(np.uint8)
    result = cut(image, window, (17, 23))
    assert result.shape == (23, 17, 3)
    assert result.dtype == np.uint8


def test_paste_changes_only_the_place_of_the_patch() -> None:
    ground = np.zeros((64, 64, 3), np.uint8)
    patch = np.full((20, 10, 3), 200, np.uint8)
    result = paste(np.random.default_rng(1), ground, patch, (50, 55))
    assert ground.max() == 0
    assert result[:55].max() == 0
    assert result[:, :50].max() == 0
    assert result[60, 55].max() > 100


def test_heat_marks_the_cells_of_a_person() -> None:
    heat = heat_from_boxes(np.array([[0.0, 0.0, 0.5, 1.0]], np.float32), 4)[:, :, 0]
    assert np.array_equal(heat, np.repeat([[1.0, 1.0, 0.0, 0.0]], 4, axis=0))


def test_heat_marks_a_far_person_somewhere() -> None:
    heat = heat_from_boxes(np.array([[0.48, 0.48, 0.53, 0.56]], np.float32), 5)
    assert heat.max() == 1.0
