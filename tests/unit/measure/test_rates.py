"""Rates per day: exact Poisson intervals, and words that promise no more than was seen."""

from __future__ import annotations

import pytest

from edgecls.measure.rates import (
    DAY_S,
    EXACT_TO,
    daily_rate,
    exact_interval,
    poisson_interval,
    span_words,
)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Garwood's table, as printed in every textbook; two to three places
    [
        (0, 0.0, 3.689),
        (1, 0.0253, 5.572),
        (3, 0.6187, 8.767),
        (10, 4.795, 18.39),
        (100, 81.36, 121.63),
    ],
)
def test_the_interval_is_garwoods(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == pytest.approx((low, high), rel=1e-3)


@pytest.mark.parametrize("count", [EXACT_TO + 1, 250, 600])
def test_many_events_have_nearly_the_exact_interval(count: int) -> None:
    assert poisson_interval(count) == pytest.approx(exact_interval(count), rel=1 / 30_000)


def test_very_many_events_cost_no_time() -> None:
    low, high = poisson_interval(1_000_000)  # the exact sums would take minutes
    assert (low, high) == pytest.approx((998_041, 1_001_962), abs=1)  # about 1.96 roots each way


def test_nothing_in_little_time_says_little() -> None:
    rate = daily_rate(0, 1.8 * 60)
    assert rate is not None
    assert rate.per_day == rate.low == 0
    assert rate.high == pytest.approx(3.689 * DAY_S / 108, rel=1e-3)
    assert rate.words() == "0 in 1.8 minutes: at most 2,951 a day"


def test_some_in_a_week() -> None:
    rate = daily_rate(14, 7 * DAY_S)
    assert rate is not None
    assert rate.words() == "14 in 7.0 days: 2 a day (1.1 to 3.4)"
    assert rate.as_json()["ci95"][0] == pytest.approx(1.093, abs=0.001)


def test_without_time_there_is_no_rate() -> None:
    assert daily_rate(3, 0) is None
    with pytest.raises(ValueError, match="negative"):
        daily_rate(-1, 10)


def test_lengths_of_time() -> None:
    assert [span_words(s) for s in (3, 89, 90, 5400, 129_600)] == [
        "3 seconds", "89 seconds", "1.5 minutes", "1.5 hours", "1.5 days",
    ]  # fmt: skip
