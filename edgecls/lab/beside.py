"""Find person-free windows in person photographs, and let a first net throw out those that are not.

Annotators box the persons that matter and leave the crowd behind unboxed. About one window in ten
that touches no box still shows somebody; a net trained without this step finds most of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgecls.lab.views import Boxes, Image, Window, cut, random_window, window_labelled

Judge = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""Squares (n, S, S, 3) to margins (n,): above 0 means that somebody is seen."""

AREA = (0.1, 0.7)
BATCH = 64


def draw_beside(rng: np.random.Generator, boxes: Boxes) -> Window | None:
    """Draw a window that touches no box; None where the persons leave no room."""
    return window_labelled(lambda: random_window(rng, area=AREA), boxes, 0, tries=12)


def windows_beside(
    pixels: npt.NDArray[np.uint8],
    boxes: dict[int, Boxes],
    judge: Judge,
    *,
    size_px: int,
    per_image: int,
    seed: int,
) -> dict[int, list[Window]]:
    """Draw windows beside the boxes of each photograph and keep those where `judge` sees nobody.

    Args:    boxes: index into `pixels` -> the boxes of that photograph.
    """
    rng = np.random.default_rng(seed)
    drawn = [(i, draw_beside(rng, b)) for i, b in boxes.items() for _ in range(per_image)]
    kept: dict[int, list[Window]] = {}
    room = [(index, window) for index, window in drawn if window is not None]
    for start in range(0, len(room), BATCH):
        part = room[start : start + BATCH]
        squares: list[Image] = [cut(pixels[i], window, (size_px, size_px)) for i, window in part]
        for (index, window), margin in zip(part, judge(np.stack(squares)), strict=True):
            if margin <= 0.0:
                kept.setdefault(index, []).append(window)
    return kept
