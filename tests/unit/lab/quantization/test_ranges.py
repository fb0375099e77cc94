"""Histograms hold what was seen, and each method picks the range it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgecls.lab.quantization.histograms import BINS, FIRST_LIMIT, Histogram
from edgecls.lab.quantization.ranges import METHODS

FLOATS = hnp.arrays(
    np.float32,
    st.integers(1, 200),
    elements=st.floats(-1e4, 1e4, width=32, allow_nan=False, allow_infinity=False),
)


def histogram_of(*parts: np.ndarray) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.add(np.asarray(part, np.float32))
    return histogram


@settings(max_examples=60, deadline=None)
@given(values=FLOATS)
def test_a_histogram_loses_no_value_and_keeps_the_extremes(values: np.ndarray) -> None:
    histogram = histogram_of(values)
    assert histogram.total == values.size
    assert histogram.low == float(values.min())
    assert histogram.high == float(values.max())
    assert histogram.limit > max(abs(histogram.low), abs(histogram.high))


@settings(max_examples=60, deadline=None)
@given(first=FLOATS, second=FLOATS)
def test_merging_equals_counting_together_up_to_the_order_of_widening(
    first: np.ndarray, second: np.ndarray
) -> None:
    together = histogram_of(first, second)
    merged = histogram_of(first).merged(histogram_of(second))
    assert merged.total == together.total
    assert (merged.low, merged.high) == (together.low, together.high)
    assert merged.limit == together.limit


def test_merging_leaves_both_as_they_were() -> None:
    first, second = histogram_of(np.ones(3)), histogram_of(np.full(2, 100.0))
    first.merged(second)
    assert first.total == 3
    assert first.high == 1.0


def test_values_stay_in_their_bin_when_the_limit_doubles() -> None:
    histogram = histogram_of(np.array([0.001, -0.001]), np.array([3.0]))
    width = 2 * histogram.limit / BINS
    for value in (0.001, -0.001, 3.0):
        index = int(np.floor((value + histogram.limit) / width))
        assert histogram.counts[index] >= 1
    assert histogram.limit == FIRST_LIMIT * 2**8


def test_what_is_not_finite_is_counted_apart() -> None:
    histogram = histogram_of(np.array([1.0, np.nan, np.inf, -np.inf]))
    assert histogram.total == 1
    assert histogram.nan_count == 3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_range_holds_zero_and_stays_within_what_was_seen(method: str, sign: int) -> None:
    values = sign * np.random.default_rng(0).gamma(2.0, 1.0, 20_000)
    low, high = METHODS[method](histogram_of(values))
    assert low <= 0.0 <= high
    assert low >= min(values.min(), 0) - 1e-6
    assert high <= max(values.max(), 0) + 1e-6


def test_minmax_takes_the_extremes() -> None:
    assert METHODS["minmax"](histogram_of(np.array([-0.5, 2.0]))) == (-0.5, 2.0)


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_a_lone_outlier_is_clipped(method: str) -> None:
    values = np.append(np.random.default_rng(1).normal(0, 1, 200_000), 1000.0)
    _, high = METHODS[method](histogram_of(values))
    assert 2.0 < high < 500.0


def test_mse_is_as_good_as_a_search_over_all_clips() -> None:
    values = np.random.default_rng(2).laplace(0, 1, 100_000).astype(np.float32)
    histogram = histogram_of(values)

    def error(bounds: tuple[float, float]) -> float:
        low, high = bounds
        step = (high - low) / 255
        rounded = np.round((np.clip(values, low, high) - low) / step) * step + low
        return float(np.mean((rounded - values) ** 2))

    clips = np.linspace(0.3, 1.0, 15)
    best = min(error((a * values.min(), b * values.max())) for a in clips for b in clips)
    assert error(METHODS["mse"](histogram)) < 1.05 * best
    assert best < 0.9 * error(METHODS["minmax"](histogram))
