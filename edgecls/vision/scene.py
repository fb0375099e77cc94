"""What a camera usually sees, as edges: to tell whether it still sees that, and how sharply.

Edges are compared by their direction, whichever side is the brighter: light that comes from
elsewhere changes how strong they are and hardly ever where they run. An edge of the scene and one
of any other picture agree by chance only, which averages to 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]

FIRST_S = 10.0
"""Until then each picture counts alike, so that a first impression needs no minutes."""
LEARN_S = 120.0
"""Time constant of what is usual: shadows wander, a parked car soon belongs to it."""
REDRAW_S = 5.0
EDGE_PART = 80
"""Percentile of the gradient from which on a pixel is an edge of the scene."""
DETAIL_MIN = 3.0
"""A scene whose strong edges are weaker than this, in grey values per pixel, says nothing."""
FLOOR = 1.0
"""Gradient, in grey values per pixel, below which a direction is mostly noise."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a picture compares with the usual one.

    Args:    agreement: of the edges' directions, about 0 (another picture) to 1.
             detail: strength of the picture's strong edges over the usual one's.
             sharpness: second over first derivative, over the usual one; a blur lowers it, and
             darkness does not.
    """

    agreement: float
    detail: float
    sharpness: float


class Scene:
    """The usual picture of one camera in one light, slowly learnt.

    Args:    hidden: bool, the small picture's shape: what masks cover, whose outline is no edge.
    """

    def __init__(self, grey: Grey, at_s: float, *, hidden: npt.NDArray[np.bool_] | None) -> None:
        self._usual = grey.astype(np.float32)
        self._hidden = _grown(hidden)
        self._began_s = self._learnt_s = at_s
        self._draw(at_s)
        self._sharpness = self._sharpness_of(self._usual)

    @property
    def shape(self) -> tuple[int, ...]:
        height, width = self._usual.shape
        return height, width

    @property
    def telling(self) -> bool:
        """Tell whether there is enough to see that its absence means something."""
        return self._detail >= DETAIL_MIN

    def likeness(self, grey: Grey) -> Likeness:
        """Compare a picture of the same size."""
        current = grey.astype(np.float32)
        even, odd, strength = _directions(current)
        both = np.maximum(1e-6, (strength * self._strength) ** 2)
        alike = (even * self._even + odd * self._odd) / both
        alike *= np.minimum(1.0, strength / FLOOR)
        return Likeness(
            agreement=float(np.mean(alike[self._edges])),
            detail=self._detail_of(strength) / max(1e-6, self._detail),
            sharpness=self._sharpness_of(current) / max(1e-6, self._sharpness),
        )

    def learn(self, grey: Grey, at_s: float) -> None:
        """Take a picture into the usual one."""
        elapsed_s, self._learnt_s = max(0.0, at_s - self._learnt_s), at_s
        age_s = at_s - self._began_s
        rate = elapsed_s / age_s if age_s < FIRST_S else 1.0 - math.exp(-elapsed_s / LEARN_S)
        current = grey.astype(np.float32)
        cv2.accumulateWeighted(current, self._usual, min(1.0, rate))
        if at_s - self._drawn_s >= REDRAW_S or age_s < FIRST_S:
            self._draw(at_s)
        self._sharpness += min(1.0, rate) * (self._sharpness_of(current) - self._sharpness)

    def _draw(self, at_s: float) -> None:
        """Find the edges of the usual picture."""
        self._drawn_s = at_s
        self._even, self._odd, self._strength = _directions(self._usual)
        seen = self._strength if self._hidden is None else self._strength[~self._hidden]
        limit = max(0.5, float(np.percentile(seen, EDGE_PART))) if seen.size else math.inf
        edges = self._strength >= limit
        if self._hidden is not None:
            edges &= ~self._hidden
        if not edges.any():
            edges[0, 0] = True  # a flat picture: never telling, and no mean of nothing
        self._edges = edges
        self._near = cv2.dilate(edges.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        self._detail = self._detail_of(self._strength)

    def _detail_of(self, strength: Floats) -> float:
        seen = strength if self._hidden is None else strength[~self._hidden]
        return float(np.percentile(seen, 90)) if seen.size else 0.0

    def _sharpness_of(self, grey: Floats) -> float:
        """Return the mean second derivative near the scene's edges over the mean first one."""
        second = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
        first = np.hypot(*_gradient(grey))
        return float(second[self._near].mean() / max(0.5, float(first[self._near].mean())))


def _grown(hidden: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_] | None:
    if hidden is None or not hidden.any():
        return None
    return np.asarray(cv2.dilate(hidden.view(np.uint8), np.ones((9, 9), np.uint8)) > 0)


def _gradient(grey: Floats) -> tuple[Floats, Floats]:
    """Return the derivatives along x and y, in grey values per pixel."""
    along_x, along_y = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(along_x / 8, np.float32), np.asarray(along_y / 8, np.float32)


def _directions(grey: Floats) -> tuple[Floats, Floats, Floats]:
    """Return cosine and sine of the doubled angle, times the squared strength, and the strength.

    Doubled, because an edge from dark to light and one from light to dark run the same way.
    """
    x, y = _gradient(np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), np.float32))
    return x * x - y * y, 2 * x * y, np.asarray(np.hypot(x, y), np.float32)
