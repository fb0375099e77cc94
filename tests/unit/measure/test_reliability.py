"""Calibration figures against hand counts."""

from __future__ import annotations

import numpy as np
import pytest

from edgecls.measure import reliability


def test_calibration_error_weighs_the_bins_by_their_images() -> None:
    confidence = np.array([0.95] * 10 + [0.61] * 30)
    correct = np.array([True] * 9 + [False] + [True] * 18 + [False] * 12)
    found = reliability.expected_calibration_error(confidence, correct, np.zeros(40, np.intp))
    assert found.value == pytest.approx(10 / 40 * 0.05 + 30 / 40 * 0.01)
    assert found.n == 40
    assert found.low <= found.high


def test_reliability_bins_hold_every_image() -> None:
    table = reliability.reliability(np.array([0.0, 0.5, 0.99, 1.0]), np.array([0, 1, 1, 1], bool))
    assert table.n.sum() == 4
    assert table.n[-1] == 2
    assert table.right[-1] == 1.0


def test_brier_of_two_labels_is_the_squared_distance() -> None:
    person = np.array([0.9, 0.2, 0.6])
    found = reliability.brier(np.stack([1 - person, person], axis=1), np.array([1, 0, 0]))
    assert found.value == pytest.approx((0.01 + 0.04 + 0.36) / 3)


def test_bootstrap_is_repeatable_and_keeps_the_strata() -> None:
    strata = np.array([0] * 30 + [1] * 10)

    def share(chosen: reliability.Indices) -> float:
        return float(strata[chosen].mean())

    kept = reliability.bootstrap(share, strata, resamples=50)
    assert (kept.low, kept.value, kept.high) == (0.25, 0.25, 0.25)
    values = np.random.default_rng(0).normal(size=200)
    assert reliability.mean_estimate(values) == reliability.mean_estimate(values)


def test_bootstrap_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(3).normal(size=400)
    found = reliability.mean_estimate(values)
    # 1.96 standard errors; 1000 resamples know it to about 5 %
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
