"""The order of an epoch: fixed by the seed, and balanced where the recipe asks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgecls.lab.listing import Row
from edgecls.lab.order import InOrder, Order, shares


def _rows(*kinds: tuple[str, str]) -> list[Row]:
    return [Row(Path("x"), "x", label, columns={"source": source}) for label, source in kinds]


def test_a_shuffled_epoch_has_each_image_once_and_differs_from_the_next() -> None:
    order = Order(50, seed=3)
    first, second = order.epoch(0), order.epoch(1)
    assert sorted(first) == list(range(50))
    assert first.tolist() != second.tolist()
    assert first.tolist() == Order(50, seed=3).epoch(0).tolist()
    assert first.tolist() != Order(50, seed=4).epoch(0).tolist()
    assert InOrder(4).epoch(9).tolist() == [0, 1, 2, 3]


def test_columns_share_evenly_one_inside_the_other() -> None:
    rows = _rows(*[("a", "x")] * 6, *[("a", "y")] * 2, *[("b", "z")] * 2)
    drawn = shares(rows, ("label", "source"), power=1.0)
    assert np.isclose(drawn.sum(), 1.0)
    assert np.allclose(drawn[:6], 0.5 / 2 / 6)
    assert np.allclose(drawn[6:8], 0.5 / 2 / 2)
    assert np.allclose(drawn[8:], 0.5 / 2)


def test_power_zero_leaves_the_data_as_it_is_and_a_half_takes_the_root() -> None:
    rows = _rows(*[("a", "x")] * 9, ("b", "x"))
    assert np.allclose(shares(rows, ("label",), power=0.0), 0.1)
    half = shares(rows, ("label",), power=0.5)
    assert np.isclose(half[:9].sum(), 0.75)


def test_draws_follow_the_shares() -> None:
    rows = _rows(*[("a", "x")] * 900, *[("b", "x")] * 100)
    order = Order(1000, seed=1, probabilities=shares(rows, ("label",), power=1.0))
    rare = (order.epoch(0) >= 900).mean()
    assert 0.42 < rare < 0.58  # five standard deviations of 1,000 draws at one half
