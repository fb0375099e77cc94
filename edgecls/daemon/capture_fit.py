"""Pictures larger than any camera's, made to fit what parent and capture child share."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from edgecls.types import Frame


def scaled_to_fit(frame: Frame, bytes_max: int) -> Frame:
    """Return `frame` with both sides divided by the smallest whole number that makes it fit.

    A whole number, as then each new pixel is the plain mean of old ones, which is exact and fast;
    and a photograph far beyond the limit takes a fraction of the memory further on.
    """
    height, width = frame.pixels.shape[:2]
    divisor = 1
    while (width // divisor) * (height // divisor) * 3 > bytes_max:
        divisor += 1
    size = (max(1, width // divisor), max(1, height // divisor))
    pixels = np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return replace(frame, pixels=pixels)
