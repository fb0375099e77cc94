"""Pictures for a benchmark where no photographs are at hand: made, not taken, and said so."""

from __future__ import annotations

import cv2
import numpy as np

from edgecls.bundle.images import encode_jpeg
from edgecls.types import Pixels

WIDTH_PX, HEIGHT_PX = 1280, 720
JPEG_QUALITY = 85
MADE = (
    f"made pictures, {WIDTH_PX}x{HEIGHT_PX}, JPEG quality {JPEG_QUALITY}, "
    "with the spectrum of photographs; not photographs"
)


def made_jpegs(count: int, *, seed: int = 11) -> list[bytes]:
    """Return JPEGs of about a photograph's size and decoding cost, the same ones every time."""
    random = np.random.default_rng(seed)
    return [encode_jpeg(_made(random), JPEG_QUALITY) for _ in range(count)]


def _made(random: np.random.Generator) -> Pixels:
    """Sum coloured noise whose amplitude falls with frequency, as in natural scenes, and shapes.

    D. J. Field, "Relations between the statistics of natural images and the response properties of
    cortical cells" (JOSA A 4, 1987).
    """
    real = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    cells = 2
    while cells < WIDTH_PX:
        rows = max(2, cells * HEIGHT_PX // WIDTH_PX)
        grid = random.standard_normal((rows, cells, 1)) + 0.3 * random.standard_normal(
            (rows, cells, 3)
        )
        size = (WIDTH_PX, HEIGHT_PX)
        octave = cv2.resize(grid.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
        real += np.asarray(octave, np.float32) / np.float32(cells**0.6)
        cells *= 2
    real = (real - real.mean()) / real.std() * 45 + 120
    pixels = np.asarray(np.clip(real, 0, 255), np.uint8)
    for _ in range(12):
        x, y = int(random.integers(0, WIDTH_PX)), int(random.integers(0, HEIGHT_PX))
        size = (int(random.integers(30, 250)), int(random.integers(30, 250)))
        colour = [int(value) for value in random.integers(0, 256, 3)]
        cv2.ellipse(pixels, (x, y), size, float(random.integers(0, 180)), 0, 360, colour, -1)
    noise = 3 * random.standard_normal(pixels.shape, np.float32)  # a sensor's
    return np.asarray(np.clip(pixels + noise, 0, 255), np.uint8)
