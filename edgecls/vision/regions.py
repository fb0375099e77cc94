"""Choose which parts of a frame the classifier looks at, beside the whole."""

from __future__ import annotations

from collections.abc import Sequence

from edgecls.types import Region

MARGIN = 1.3
"""A region's side over its box's longer side: a person's motion is rarely all of the person."""
NEAR = 0.25
"""Boxes nearer than this part of the larger one's side are one mover: a head and its legs."""
WHOLE = 0.8
"""A region with more of the frame's area than this would say what the whole frame says."""


def propose(
    boxes: Sequence[Region], *, width: int, height: int, side_min: int, regions_max: int
) -> tuple[Region, ...]:
    """Return at most `regions_max` squares around `boxes`, inside the frame, largest mover first.

    Args:    boxes: in pixels, largest first.   width, height: of the frame.
             side_min: the model's input size: a smaller region would only be blown up.
    """
    squares: list[Region] = []
    for box in _joined(boxes):
        if len(squares) == regions_max:
            break
        square = square_around(box, width=width, height=height, side_min=side_min)
        if square.width * square.height > WHOLE * width * height:
            continue
        if not any(_centre_inside(square, other) for other in squares):
            squares.append(square)
    return tuple(squares)


def square_around(box: Region, *, width: int, height: int, side_min: int) -> Region:
    """Return the square with margin around `box`, shifted to lie inside the frame."""
    side = int(max(box.width, box.height) * MARGIN)
    side = min(max(side, side_min), width, height)
    x0 = min(max(0, (box.x0 + box.x1 - side) // 2), width - side)
    y0 = min(max(0, (box.y0 + box.y1 - side) // 2), height - side)
    return Region(x0, y0, x0 + side, y0 + side)


def _joined(boxes: Sequence[Region]) -> list[Region]:
    """Join boxes that nearly touch until none do; largest first."""
    joined: list[Region] = []
    for box in boxes:
        grown = box
        merging = True
        while merging:
            merging = False
            for other in joined:
                if _near(grown, other):
                    joined.remove(other)
                    grown = _union(grown, other)
                    merging = True
                    break
        joined.append(grown)
    return sorted(joined, key=lambda box: -box.width * box.height)


def _near(one: Region, two: Region) -> bool:
    gap = max(
        one.x0 - two.x1, two.x0 - one.x1, one.y0 - two.y1, two.y0 - one.y1
    )  # negative where they overlap
    return gap < NEAR * max(one.width, one.height, two.width, two.height)


def _union(one: Region, two: Region) -> Region:
    return Region(
        min(one.x0, two.x0), min(one.y0, two.y0), max(one.x1, two.x1), max(one.y1, two.y1)
    )


def _centre_inside(square: Region, other: Region) -> bool:
    x, y = (square.x0 + square.x1) // 2, (square.y0 + square.y1) // 2
    return other.x0 <= x < other.x1 and other.y0 <= y < other.y1
