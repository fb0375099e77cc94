"""Curves and their areas against hand counts, and scikit-learn and SciPy where they are at hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgecls.measure import curves, reliability

SCORES = np.array([0.9, 0.8, 0.8, 0.6, 0.4, 0.2])
POSITIVE = np.array([True, True, False, True, False, False])


def _noisy(n: int = 400) -> tuple[curves.Floats, curves.Truth]:
    random = np.random.default_rng(7)
    positive = random.random(n) < 0.4
    return np.round(random.normal(positive * 1.5, 1.0), 1), positive  # rounding makes ties


def test_roc_area_counts_pairs_with_ties_as_halves() -> None:
    # 9 pairs: 0.9 beats 3, 0.8 beats 2 and ties with 1, 0.6 beats 2: 7.5 / 9
    area = curves.roc_area(SCORES, POSITIVE)
    assert area is not None
    assert area.value == pytest.approx(7.5 / 9)
    assert 0 < area.low < area.value < area.high < 1


def test_average_precision_adds_precision_at_each_new_recall() -> None:
    # thresholds 0.9: 1/1; 0.8: 2/3; 0.6: 3/4, each a third of the recall
    found = curves.average_precision(SCORES, POSITIVE)
    assert found is not None
    assert found.value == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_delong_variance_matches_the_definition_and_the_bootstrap() -> None:
    scores, positive = _noisy()
    area = curves.roc_area(scores, positive)

    def again(chosen: reliability.Indices) -> float:
        found = curves.roc_area(scores[chosen], positive[chosen])
        assert found is not None
        return found.value

    resampled = reliability.bootstrap(again, positive, resamples=400)
    assert area is not None
    # two independent methods on 400 images: limits agree to about one hundredth
    assert (area.low, area.high) == pytest.approx((resampled.low, resampled.high), abs=0.012)


def test_a_perfect_separation_is_not_certain() -> None:
    scores = np.arange(20.0)
    area = curves.roc_area(scores, scores >= 10)
    assert area is not None
    assert area.value == area.high == 1.0
    assert 0.7 < area.low < 0.95
    precision = curves.average_precision(scores, scores >= 10)
    assert precision is not None
    assert precision.low < precision.value == 1.0


def test_one_class_has_no_roc_area() -> None:
    assert curves.roc_area(SCORES, np.ones(6, bool)) is None
    assert curves.roc_area_difference(SCORES, SCORES, np.ones(6, bool)) is None
    assert curves.average_precision(SCORES, np.zeros(6, bool)) is None


def test_difference_of_areas_uses_the_pairing() -> None:
    scores, positive = _noisy()
    nearly = scores + np.random.default_rng(1).normal(0, 0.01, len(scores))
    paired = curves.roc_area_difference(scores, nearly, positive)
    alone = curves.roc_area(scores, positive)
    assert paired is not None
    assert alone is not None
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)
    same = curves.roc_area_difference(scores, scores, positive)
    assert same is not None
    assert same.value == 0


def test_areas_and_curves_agree_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, positive = _noisy()
    area, precision = curves.roc_area(scores, positive), curves.average_precision(scores, positive)
    assert area is not None
    assert precision is not None
    assert area.value == pytest.approx(metrics.roc_auc_score(positive, scores))
    assert precision.value == pytest.approx(metrics.average_precision_score(positive, scores))
    x, y, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    curve = curves.roc(scores, positive)
    assert curve.x == pytest.approx(x)
    assert curve.y == pytest.approx(y)
