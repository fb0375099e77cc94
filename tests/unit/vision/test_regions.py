"""Regions: squares with margin, inside the frame, no two of the same thing."""

from __future__ import annotations

import pytest

from edgecls.types import Region
from edgecls.vision.regions import propose, square_around

WIDTH, HEIGHT = 1280, 720


def proposed(*boxes: Region, regions_max: int = 4, side_min: int = 224) -> tuple[Region, ...]:
    return propose(boxes, width=WIDTH, height=HEIGHT, side_min=side_min, regions_max=regions_max)


def test_standing_person_gets_a_square_with_margin() -> None:
    (square,) = proposed(Region(600, 200, 700, 500))
    assert square.width == square.height == 390
    assert (square.x0 + square.x1) // 2 == 650
    assert square.y0 <= 200
    assert square.y1 >= 500


def test_small_mover_gets_the_models_input_size() -> None:
    (square,) = proposed(Region(600, 300, 620, 350))
    assert (square.width, square.height) == (224, 224)


@pytest.mark.parametrize(
    "box",
    [Region(0, 0, 40, 90), Region(1250, 640, 1280, 720), Region(0, 0, 1280, 100),
     Region(10, 0, 60, 720)],
)  # fmt: skip
def test_square_stays_inside(box: Region) -> None:
    square = square_around(box, width=WIDTH, height=HEIGHT, side_min=224)
    assert square.x0 >= 0
    assert square.y0 >= 0
    assert square.x1 <= WIDTH
    assert square.y1 <= HEIGHT
    assert square.width == square.height >= 224


def test_frame_smaller_than_the_model_gives_what_fits() -> None:
    square = square_around(Region(10, 10, 30, 60), width=160, height=120, side_min=224)
    assert square == Region(0, 0, 120, 120)


def test_head_and_legs_are_one_mover() -> None:
    assert len(proposed(Region(600, 300, 690, 520), Region(610, 180, 680, 260))) == 1


def test_two_people_far_apart_are_two() -> None:
    left, right = Region(100, 200, 180, 460), Region(1000, 200, 1090, 500)
    squares = proposed(left, right)
    assert len(squares) == 2
    assert squares[0].x0 > 640  # the larger one first


def test_no_more_than_asked_for() -> None:
    boxes = [Region(x, 300, x + 30, 360) for x in range(50, 1200, 300)]
    assert len(proposed(*boxes, regions_max=2)) == 2
    assert proposed(*boxes, regions_max=0) == ()


def test_region_that_is_nearly_the_frame_is_left_out() -> None:
    assert (
        propose([Region(0, 0, 230, 220)], width=240, height=240, side_min=96, regions_max=2) == ()
    )
