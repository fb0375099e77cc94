"""Visits against what is known: found, missed, false, split and late."""

from __future__ import annotations

import pytest

from edgecls.measure.visits import Span, score_visits

KNOWN = [Span(10, 20), Span(30, 40)]


def test_every_interval_found() -> None:
    score = score_visits([Span(11, 20), Span(30.5, 41)], KNOWN)
    assert (score.expected, score.found, score.missed, score.false, score.split) == (2, 2, 0, 0, 0)
    assert score.delays_s == (1.0, 0.5)
    assert score.covered == pytest.approx(18.5 / 20)
    assert score.false_s == 0


def test_nothing_told_is_all_missed() -> None:
    score = score_visits([], KNOWN)
    assert (score.found, score.missed, score.false) == (0, 2, 0)
    assert score.covered == 0


def test_nobody_there_is_all_false() -> None:
    score = score_visits([Span(3, 8)], [])
    assert (score.expected, score.false, score.false_s, score.covered) == (0, 1, 5, None)


def test_a_visit_between_two_intervals_is_false() -> None:
    score = score_visits([Span(23, 27)], KNOWN)
    assert (score.found, score.false, score.false_s) == (0, 1, 4)


def test_a_visit_a_little_early_or_late_belongs_to_its_interval() -> None:
    score = score_visits([Span(9.2, 9.8), Span(40.4, 40.9)], KNOWN)
    assert (score.found, score.false) == (2, 0)
    assert score.delays_s == (0, pytest.approx(10.4))


def test_an_interval_told_twice_is_split() -> None:
    score = score_visits([Span(10, 13), Span(16, 20)], KNOWN)
    assert (score.found, score.missed, score.split, score.false) == (1, 1, 1, 0)


def test_one_visit_over_both_finds_both() -> None:
    score = score_visits([Span(10, 40)], KNOWN)
    assert (score.found, score.split, score.false) == (2, 0, 0)
    assert score.delays_s == (0, 0)
    assert score.false_s == pytest.approx(8)  # the ten seconds between, less a second at each side
