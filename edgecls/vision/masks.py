"""Privacy masks: what nobody shall see is black before anybody sees it.

Used in the capture process, before a frame reaches the daemon: no motion gate, model, snapshot or
page ever has the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgecls.types import Frame
from edgecls.vision.polygons import Points, inside


class PrivacyMask:
    """Black out polygons of every frame. Args: polygons: as `polygons.Points`; none is fine."""

    def __init__(self, polygons: Sequence[Points]) -> None:
        self._polygons = polygons
        self._covered: npt.NDArray[np.bool_] | None = None

    def applied(self, frame: Frame) -> Frame:
        """Return the frame with black polygons: a copy, or the frame itself without any."""
        if not self._polygons:
            return frame
        height, width = frame.pixels.shape[:2]
        if self._covered is None or self._covered.shape != (height, width):
            self._covered = inside(self._polygons, width=width, height=height)
        pixels = frame.pixels.copy()
        pixels[self._covered] = 0
        return replace(frame, pixels=pixels)
