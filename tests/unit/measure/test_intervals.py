"""Intervals and tests of counts against published examples."""

from __future__ import annotations

import math

import pytest

from edgecls.measure import intervals


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # R. G. Newcombe, Stat. Med. 17 (1998) 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_newcombes_published_limits(
    successes: int, n: int, low: float, high: float
) -> None:
    assert intervals.wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_open_where_nothing_was_tried_and_refuses_nonsense() -> None:
    assert intervals.wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="0 to n"):
        intervals.wilson(5, 4)


def test_paired_difference_gives_fagerlands_published_limits() -> None:
    # Fagerland, Lydersen, Laake, Stat. Med. 33 (2014), tables II and V: 1, 1, 7, 12 of 21
    found = intervals.paired_difference(1, 7, 21)
    assert found.value == pytest.approx(-6 / 21)
    assert (found.low, found.high) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_paired_difference_without_a_single_disagreement_is_not_certain() -> None:
    found = intervals.paired_difference(0, 0, 1088)
    # with b = c = 0 the score equation has the closed solution z^2 / (n + z^2)
    edge = intervals.Z95**2 / (1088 + intervals.Z95**2)
    assert (found.low, found.value, found.high) == pytest.approx((-edge, 0, edge), abs=1e-9)


def test_paired_difference_mirrors_when_the_two_are_swapped() -> None:
    one, other = intervals.paired_difference(3, 9, 200), intervals.paired_difference(9, 3, 200)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_paired_difference_stays_inside_its_limits_at_the_ends() -> None:
    assert intervals.paired_difference(0, 7, 7).low == pytest.approx(-1.0)
    assert intervals.paired_difference(7, 0, 7).high == pytest.approx(1.0)
    with pytest.raises(ValueError, match="gained"):
        intervals.paired_difference(5, 6, 10)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        (1, 7, 0.0703125),  # Fagerland 2013, exact conditional test: 2 * (1 + 8) / 2^8
        (0, 0, 1.0),
        (0, 5, 2 / 32),
        (4, 4, 1.0),
    ],
)
def test_mcnemar_exact_counts_coin_tosses(gained: int, lost: int, p: float) -> None:
    assert intervals.mcnemar_exact(gained, lost) == pytest.approx(p)
    assert intervals.mcnemar_exact(lost, gained) == pytest.approx(p)


def test_mcnemar_exact_survives_large_counts() -> None:
    assert 0 < intervals.mcnemar_exact(4000, 5000) < 1e-20


def test_mean_of_proportions_squares_and_adds() -> None:
    found = intervals.mean_of_proportions([(90, 100), (160, 200)])
    assert found is not None
    (low1, high1), (low2, high2) = intervals.wilson(90, 100), intervals.wilson(160, 200)
    assert found.value == pytest.approx(0.85)
    assert found.low == pytest.approx(0.85 - math.sqrt((0.9 - low1) ** 2 + (0.8 - low2) ** 2) / 2)
    assert found.high == pytest.approx(
        0.85 + math.sqrt((high1 - 0.9) ** 2 + (high2 - 0.8) ** 2) / 2
    )
    assert found.n == 300
    assert intervals.mean_of_proportions([(3, 4), (0, 0)]) is None


def test_f1_agrees_with_its_definition_and_holds_its_value() -> None:
    found = intervals.f1(40, 5, 10)
    assert found is not None
    precision, recall = 40 / 45, 40 / 50
    assert found.value == pytest.approx(2 * precision * recall / (precision + recall))
    assert found.low < found.value < found.high
    assert intervals.f1(0, 0, 0) is None
