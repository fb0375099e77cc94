"""Thresholds for a wished rate: as low as the wish allows, and honest about new occasions."""

from __future__ import annotations

import numpy as np
import pytest

from edgecls.measure.tuning import Occasion, leave_below, threshold_for, tuned

FLOORS = {"day": 0.5, "night": 0.5}


def occasions(
    scores: list[float], *, somebody: bool, light: str = "day", name: str = "g"
) -> list[Occasion]:
    return [
        Occasion(score, somebody, light, f"{name}{somebody}{light}{place}")
        for place, score in enumerate(scores)
    ]


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, 0.901), (0.1, 0.801), (0.2, 0.7), (0.39, 0.601), (1.0, 0.3)],
)
def test_the_lowest_threshold_that_few_enough_reach(share: float, expected: float) -> None:
    negatives = [0.9, 0.8, 0.6999, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
    threshold = threshold_for(negatives, share, 0.3)
    assert threshold == pytest.approx(expected)
    assert sum(score >= threshold for score in negatives) <= share * len(negatives)


def test_a_threshold_is_never_out_of_reach_nor_below_what_is_known() -> None:
    assert threshold_for([0.9999], 0.0, 0.5) == 0.995
    assert threshold_for([0.1], 0.0, 0.7) == 0.7


def test_leaving_is_as_far_below_as_with_the_defaults() -> None:
    assert leave_below(0.70) == pytest.approx(0.45, abs=0.01)
    assert leave_below(0.95) == pytest.approx(0.87, abs=0.01)


def test_day_and_night_are_chosen_apart() -> None:
    given = [
        *occasions([0.1, 0.55, 0.2, 0.3], somebody=False),
        *occasions([0.9, 0.6], somebody=True),
        *occasions([0.1, 0.85, 0.2, 0.3], somebody=False, light="night"),
        *occasions([0.9, 0.6], somebody=True, light="night"),
    ]
    found = tuned(given, wished=0.5, moves_per_day=10, floors=FLOORS)
    assert [choice.enter for choice in found.choices] == [0.551, 0.851]
    assert all(choice.leave and choice.leave < choice.enter for choice in found.choices)


def test_a_light_without_anything_keeps_what_it_has() -> None:
    found = tuned(occasions([0.1, 0.6], somebody=False), wished=1, moves_per_day=10, floors=FLOORS)
    night = found.choices[1]
    assert (night.light, night.enter, night.leave) == ("night", None, None)


def test_what_is_expected_is_not_what_was_fitted() -> None:
    """The highest of all never passes its own threshold; held out, it does."""
    negatives = [place / 100 for place in range(50, 90)]
    found = tuned(occasions(negatives, somebody=False), wished=0.1, moves_per_day=40, floors=FLOORS)
    (day, _) = found.choices
    assert day.enter == pytest.approx(0.891)
    assert day.false >= 1
    assert found.expected is not None
    assert found.expected.count == day.false


def test_the_expected_rate_is_right_on_average() -> None:
    """Held against the truth of a known distribution, over many draws."""
    random = np.random.default_rng(0)
    wished, moves, told, true = 5.0, 50.0, [], []
    for draw in range(60):
        scores = random.uniform(0, 1, 200)
        given = occasions(list(scores), somebody=False, name=f"draw{draw}-")
        found = tuned(given, wished=wished, moves_per_day=moves, floors={"day": 0.01})
        assert found.expected is not None
        told.append(found.expected.per_day)
        true.append((1 - (found.choices[0].enter or 0)) * moves)
    # each draw has a standard error of about 1.1 a day; of the mean of 60, 0.15
    assert np.mean(told) == pytest.approx(np.mean(true), abs=0.6)


def test_a_group_counts_once_by_its_best_score() -> None:
    frames = [Occasion(score, False, "day", "one visit") for score in (0.2, 0.7, 0.3)]
    found = tuned(frames, wished=1, moves_per_day=10, floors=FLOORS)
    assert found.choices[0].nobody == 1
    assert found.choices[0].enter == 0.701


def test_too_few_prove_nothing_and_it_says_how_many_would() -> None:
    few = tuned(occasions([0.1] * 20, somebody=False), wished=1, moves_per_day=100, floors=FLOORS)
    assert not few.proven
    assert few.needed == 369
    many = tuned(occasions([0.1] * 400, somebody=False), wished=1, moves_per_day=100, floors=FLOORS)
    assert many.proven


def test_persons_found_are_cross_validated_with_an_interval() -> None:
    given = [
        *occasions([0.1] * 30, somebody=False),
        *occasions([0.9] * 18 + [0.2] * 2, somebody=True),
    ]
    found = tuned(given, wished=1, moves_per_day=10, floors=FLOORS).choices[0].found
    assert found is not None
    assert (found.value, found.n) == (0.9, 20)
    assert found.low < 0.9 < found.high
