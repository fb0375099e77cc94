"""Pictures that show nothing, and that a classifier may still be sure of.

A. Nguyen, J. Yosinski, J. Clune, "Deep neural networks are easily fooled" (CVPR 2015) is why one
looks; these are the plain ones that a covered, broken or badly lit camera really gives.
"""

from __future__ import annotations

import cv2
import numpy as np

from edgecls.types import Pixels

SIDE_PX = 224
SEED = 3


def fooling_images() -> dict[str, list[Pixels]]:
    """Return pictures by kind: RGB uint8, (224, 224, 3), the same ones every time."""
    random = np.random.default_rng(SEED)
    return {
        "flat": _flat(),
        "gradient": [_gradient(angle) for angle in range(0, 360, 30)],
        "noise": [_noise(cells, random) for cells in (224, 112, 56, 28, 14, 7) for _ in range(4)],
        "stripes": [
            _stripes(period, upright=upright, soft=soft)
            for period in (4, 8, 16, 32, 64)
            for upright in (False, True)
            for soft in (False, True)
        ],
        "checker": [_checker(period) for period in (4, 8, 16, 28, 56)],
    }


def _flat() -> list[Pixels]:
    levels = (0, 64, 128, 192, 255)
    colours = [(level, level, level) for level in levels]
    colours += [(200, 40, 40), (40, 200, 40), (40, 40, 200), (220, 180, 150), (110, 70, 50)]
    return [np.full((SIDE_PX, SIDE_PX, 3), colour, np.uint8) for colour in colours]


def _gradient(angle: int) -> Pixels:
    row, column = np.mgrid[0:SIDE_PX, 0:SIDE_PX] / (SIDE_PX - 1) - 0.5
    slope = row * np.sin(np.radians(angle)) + column * np.cos(np.radians(angle))
    return _grey(slope - slope.min())


def _noise(cells: int, random: np.random.Generator) -> Pixels:
    """Colour `cells` x `cells` squares at random."""
    small = random.integers(0, 256, (cells, cells, 3), np.uint8)
    size = (SIDE_PX, SIDE_PX)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _stripes(period: int, *, upright: bool, soft: bool) -> Pixels:
    wave = np.sin(2 * np.pi * np.arange(SIDE_PX) / period)
    line = wave + 1 if soft else (wave >= 0).astype(np.float64)
    table = np.tile(line, (SIDE_PX, 1))
    return _grey(table if upright else table.T)


def _checker(period: int) -> Pixels:
    row, column = np.mgrid[0:SIDE_PX, 0:SIDE_PX] // period
    return _grey(((row + column) % 2).astype(np.float64))


def _grey(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Pixels:
    level = np.rint(255 * values / max(float(values.max()), 1e-9)).astype(np.uint8)
    return np.repeat(level[:, :, np.newaxis], 3, axis=2)
