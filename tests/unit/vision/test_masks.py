"""Polygons and privacy masks: what lies inside, at every size, and that nobody sees it."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pytest

from edgecls.types import Frame
from edgecls.vision.masks import PrivacyMask
from edgecls.vision.polygons import inside

LEFT_HALF = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
TRIANGLE = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
ARROW = [(0.1, 0.1), (0.9, 0.5), (0.1, 0.9), (0.4, 0.5)]  # not convex


def frame(width: int = 64, height: int = 36) -> Frame:
    pixels = np.full((height, width, 3), 200, np.uint8)
    return Frame(pixels, 1.0, datetime(2026, 1, 1, tzinfo=timezone.utc), 7)


def test_a_rectangle_is_exact() -> None:
    covered = inside([LEFT_HALF], width=10, height=4)
    assert covered[:, :5].all()
    assert not covered[:, 5:].any()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 9), (640, 360), (31, 77)])
def test_the_part_covered_does_not_depend_on_the_size(width: int, height: int) -> None:
    parts = [inside([shape], width=width, height=height).mean() for shape in (LEFT_HALF, TRIANGLE)]
    room = 1.0 / width + 1.0 / height  # of the pixels that an edge cuts
    assert parts == pytest.approx([0.5, 0.5], abs=room)


def test_a_dent_is_outside() -> None:
    covered = inside([ARROW], width=100, height=100)
    assert covered[50, 60]
    assert not covered[50, 30]
    assert not covered[5, 5]


def test_polygons_add_up_and_order_of_corners_does_not_matter() -> None:
    right = [(1.0, 1.0), (1.0, 0.0), (0.5, 0.0), (0.5, 1.0)]
    assert inside([LEFT_HALF, right], width=12, height=7).all()
    assert np.array_equal(
        inside([ARROW], width=40, height=40), inside([ARROW[::-1]], width=40, height=40)
    )


def test_a_masked_frame_is_a_copy_with_black_in_it() -> None:
    given = frame()
    masked = PrivacyMask([LEFT_HALF]).applied(given)
    assert not masked.pixels[:, :32].any()
    assert (masked.pixels[:, 32:] == 200).all()
    assert (given.pixels == 200).all()
    assert (masked.captured_s, masked.captured_at, masked.sequence) == (
        given.captured_s, given.captured_at, given.sequence,
    )  # fmt: skip


def test_the_mask_follows_the_picture_size() -> None:
    mask = PrivacyMask([LEFT_HALF])
    assert mask.applied(frame()).pixels.shape == (36, 64, 3)
    assert not mask.applied(frame(20, 10)).pixels[:, :10].any()


def test_without_polygons_the_frame_passes_untouched() -> None:
    given = frame()
    assert PrivacyMask(()).applied(given) is given
