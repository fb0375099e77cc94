"""Smoothing is right for irregular times, and one frame is not the truth."""

from __future__ import annotations

import math

import pytest

from edgecls.vision.smoothing import Smoothing, bounds_around


def test_first_score_is_taken_as_it_is() -> None:
    smoothing = Smoothing(1.0)
    assert smoothing.value is None
    assert smoothing.update(0.8, 100.0) == 0.8
    assert smoothing.value == 0.8


def test_time_constant_is_the_time_to_1_minus_1_over_e() -> None:
    smoothing = Smoothing(2.0)
    smoothing.update(0.0, 0.0)
    for step in range(1, 9):
        value = smoothing.update(1.0, step / 4)
    assert value == pytest.approx(1 - 1 / math.e)


def test_irregular_frames_end_where_regular_ones_do() -> None:
    regular, irregular = Smoothing(1.0), Smoothing(1.0)
    for smoothing, times in ((regular, range(0, 301, 25)), (irregular, (0, 3, 90, 120, 215, 300))):
        smoothing.update(0.0, 0.0)
        for time in times:
            smoothing.update(1.0, time / 100)
    assert regular.value == pytest.approx(irregular.value)


def test_one_score_after_a_long_gap_is_not_the_whole_truth() -> None:
    smoothing = Smoothing(0.7)
    smoothing.update(0.0, 0.0)
    assert smoothing.update(1.0, 3600.0) == pytest.approx(1 - 1 / math.e)


def test_time_that_stands_still_or_falls_changes_nothing() -> None:
    smoothing = Smoothing(0.7)
    smoothing.update(0.2, 10.0)
    assert smoothing.update(1.0, 10.0) == 0.2
    assert smoothing.update(1.0, 9.0) == 0.2


def test_no_smoothing_follows_each_score() -> None:
    smoothing = Smoothing(0.0)
    smoothing.update(0.1, 0.0)
    assert smoothing.update(0.9, 0.0) == 0.9


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.9, 0.99])
def test_bounds_lie_to_both_sides_inside_0_and_1(threshold: float) -> None:
    leave, enter = bounds_around(threshold)
    assert 0 < leave < threshold < enter < 1


def test_bounds_of_an_even_threshold() -> None:
    leave, enter = bounds_around(0.5)
    assert (round(leave, 2), round(enter, 2)) == (0.45, 0.70)
