"""Tell day from night: a camera that has switched to infra-red shows no colour.

Colour is measured on a picture averaged down to a few cells, each larger than a JPEG's chroma
block: a sensor's colour noise and the compression's are gone there, and what an object has stays. A
cast over the whole picture (the pink of an infra-red lamp) is no colour: what follows the grey
value in a straight line is taken out. What is grey by day (fog, an empty road) is told from night
by time: the light changes only after many seconds of clear evidence, and what is in between
changes nothing.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from edgecls.types import Pixels

Light = Literal["day", "night"]

CELLS = 16
"""Columns of the small picture."""
GREY_MAX = 2.0
"""Most colour, in grey values, of an infra-red picture; a grey JPEG has 0, a noisy one 1.5."""
COLOUR_MIN = 3.0
"""Least colour that is clearly one. Between the two lie empty asphalt and a pale winter day."""
PART = 90
"""Percentile over the cells: a few coloured ones, a lamp or a clock, are not the picture."""
NIGHT_AFTER_S = 15.0
DAY_AFTER_S = 5.0
EVERY_S = 1.0
"""Looking once a second is enough for what changes twice a day."""


def colour(pixels: Pixels) -> float:
    """Return how much colour a picture has, in grey values: 0 for a grey one, 10 for most by day.

    Args:    pixels: RGB, (H, W, 3).
    """
    height, width = pixels.shape[:2]
    size = (CELLS, max(2, round(CELLS * height / width)))
    step = max(1, width // 320)
    thin = pixels[::step, ::step]
    small = cv2.resize(thin, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = small.mean(axis=2)
    grey -= grey.mean()
    spread = max(1.0, float(np.mean(grey * grey)))
    rest = []
    for channel in (0, 2):
        difference = small[:, :, channel] - small[:, :, 1]
        difference -= difference.mean()
        rest.append(difference - grey * (float(np.mean(grey * difference)) / spread))
    return float(np.percentile(np.hypot(rest[0], rest[1]), PART))


def light_of(pixels: Pixels) -> Light:
    """Judge one picture alone; what cannot be told is day."""
    return "night" if colour(pixels) <= GREY_MAX else "day"


class LightMeter:
    """Follow the light over time. The first frame is believed at once."""

    def __init__(self) -> None:
        self._light: Light | None = None
        self._looked_s = 0.0
        self._since_s: float | None = None

    def look(self, pixels: Pixels, at_s: float) -> Light:
        """Take in a frame of the time `at_s` (monotonic seconds) and return the light there is."""
        if self._light is None:
            self._light, self._looked_s = light_of(pixels), at_s
            return self._light
        if at_s - self._looked_s < EVERY_S:
            return self._light
        self._looked_s = at_s
        amount = colour(pixels)
        if self._light == "day":
            other: Light = "night"
            against, after_s = amount <= GREY_MAX, NIGHT_AFTER_S
        else:
            other = "day"
            against, after_s = amount >= COLOUR_MIN, DAY_AFTER_S
        if not against:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = at_s
        elif at_s - self._since_s >= after_s:
            self._light, self._since_s = other, None
        return self._light
