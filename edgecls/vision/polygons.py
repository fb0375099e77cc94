"""Polygons of the picture, in parts of its width and height, as pixels that lie inside.

NumPy only: the capture process draws its masks with this, and does without OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgecls.types import Region

Points = Sequence[Sequence[float]]
"""Corners (x, y), each 0 to 1: 0, 0 is the upper left corner of the picture, 1, 1 the lower right.
The last corner is joined to the first."""


def inside(polygons: Sequence[Points], *, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Return which pixels lie inside at least one polygon: bool, shape (height, width).

    A pixel lies inside when its centre does, by the even-odd rule; corners are not rounded first,
    so that the same polygon covers the same part of a picture of any size.
    """
    covered = np.zeros((height, width), dtype=np.bool_)
    for polygon in polygons:
        covered |= _inside_one(polygon, width, height)
    return covered


def bounds_px(polygon: Points, *, width: int, height: int) -> Region:
    """Return the smallest rectangle around a polygon, at least one pixel, inside the picture."""
    columns, rows = [x * width for x, _ in polygon], [y * height for _, y in polygon]
    x0, y0 = min(int(min(columns)), width - 1), min(int(min(rows)), height - 1)
    return Region(
        x0, y0, max(x0 + 1, int(np.ceil(max(columns)))), max(y0 + 1, int(np.ceil(max(rows))))
    )


def _inside_one(polygon: Points, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Flip, for each edge, what lies to the right of it: an odd number of flips is inside."""
    odd = np.zeros((height, width), dtype=np.bool_)
    columns = np.arange(width) + 0.5
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        (top_x, top_y), (end_x, end_y) = sorted(
            [(x0 * width, y0 * height), (x1 * width, y1 * height)], key=lambda point: point[1]
        )
        first, last = int(np.ceil(top_y - 0.5)), int(np.ceil(end_y - 0.5))
        if first >= last:
            continue  # the edge crosses no row of centres
        rows = np.arange(first, last) + 0.5
        crossings = top_x + (rows - top_y) * ((end_x - top_x) / (end_y - top_y))
        odd[first:last] ^= columns[None, :] > crossings[:, None]
    return odd
