"""Tell whether something moved, where, and whether the camera is frozen; on a small grey picture.

Two pictures are compared by their normalised Frobenius product <A,B> / (|A| |B|) after their means
are removed. The plain product of two photographs of anything is close to 1, because grey values
are never negative; without the mean, a still scene gives 0.999 and more and a moving one 0.9 and
less, and a change of exposure alone gives 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from edgecls.sections.judging import MotionSection
from edgecls.types import Pixels, Region
from edgecls.vision.polygons import Points, inside

Grey = npt.NDArray[np.uint8]
Kind = TypeVar("Kind", bound=np.generic)

WIDTH_PX = 160
HEIGHT_MAX_PX = 480
"""Of the small picture: a strip of three to one is squeezed, not blown up without bound."""
BACKGROUND_S = 5.0
"""Time constant with which the background learns: what has stopped is forgotten in ten seconds."""
STEP_MIN = 10.0
"""Smallest change of a grey value, of 255, that is no noise after averaging down."""
STEP_PER_NOISE = 4.0
NOISE_MAX = 5.0
"""Half of the picture changing by more than this, on average, is no noise: something happened."""
LIGHT_PART = 0.3
"""From this part of the picture on, a change is first tried as a change of light."""
GAIN_MAX = 3.0
"""A change of light multiplies grey values by no more than this."""
SAMPLE_PX = 8
"""Of the full picture, every so many pixels are compared exactly to find a frozen camera."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What the gate says of one frame.

    Args:    moved: worth a look.   boxes: what differs from the background, in pixels of the
             frame, largest first; empty for a change of the whole picture.
             similarity: to the frame before, -1 to 1; 1 for a first frame.
             relit: the light changed, the scene did not.
             same_s: for how long the camera has delivered this very picture, bit by bit.
    """

    moved: bool
    boxes: tuple[Region, ...]
    similarity: float
    relit: bool
    same_s: float


def similarity(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Return the normalised Frobenius product of two grey pictures without their means, -1 to 1.

    Two flat pictures are alike (1); a flat one and another are not (0).
    """
    one = first - cv2.mean(first)[0]
    two = second - cv2.mean(second)[0]
    norms = cv2.norm(one) * cv2.norm(two)
    if norms < 1e-3:
        return 1.0 if cv2.norm(one, two) < 1e-3 else 0.0
    return float(np.vdot(one, two) / norms)


class MotionGate:
    """Compare each frame with the one before and with a slowly learnt background.

    Args:    masks: polygons that are black in every frame; they take no part in any comparison.
             zones: only what moves inside one of these is told; everywhere without any.
    """

    def __init__(
        self,
        section: MotionSection,
        *,
        masks: Sequence[Points] = (),
        zones: Sequence[Points] = (),
    ) -> None:
        self._section = section
        self._masks, self._zones = masks, zones
        self._visible: npt.NDArray[np.bool_] | None = None
        self._wanted: npt.NDArray[np.bool_] | None = None
        self._grey: Grey | None = None
        self._float: npt.NDArray[np.float32] | None = None
        self._background: npt.NDArray[np.float32] | None = None
        self._noise = NOISE_MAX / 2
        self._seen_s = 0.0
        self._sample: Pixels | None = None
        self._sample_s = 0.0

    @property
    def grey(self) -> Grey | None:
        """Return the last frame's small picture, uint8; None before the first."""
        return self._grey

    @property
    def hidden(self) -> npt.NDArray[np.bool_] | None:
        """Return what masks cover of the small picture; None without masks."""
        return None if self._visible is None else ~self._visible

    def look(self, pixels: Pixels, at_s: float) -> Motion:
        """Judge one frame and learn from it.

        Args:    pixels: RGB, (H, W, 3); not kept.   at_s: monotonic seconds, never falling.
        """
        same_s = self._same_s(pixels, at_s)
        grey = small_grey(pixels)
        current = grey.astype(np.float32)
        previous_grey, previous, background = self._grey, self._float, self._background
        self._grey, self._float = grey, current
        elapsed_s, self._seen_s = at_s - self._seen_s, at_s
        if previous_grey is None or previous is None or background is None:
            self._background = current.copy()
            self._draw_polygons(current.shape)
            return Motion(True, (), 1.0, relit=False, same_s=same_s)
        if background.shape != current.shape:
            self._background = current.copy()
            self._draw_polygons(current.shape)
            return Motion(True, (), 0.0, relit=False, same_s=same_s)

        now, base = self._seen(current), self._seen(background)
        alike = similarity(now, self._seen(previous))
        if similarity(now, base) > self._section.similarity_max:
            relit = abs(cv2.mean(now)[0] - cv2.mean(base)[0]) > STEP_MIN
            cv2.accumulateWeighted(current, background, 1.0 if relit else _rate(elapsed_s))
            return Motion(False, (), alike, relit=relit, same_s=same_s)

        noise = _median(np.asarray(cv2.absdiff(grey, previous_grey), dtype=np.uint8))
        self._noise += (min(noise, NOISE_MAX) - self._noise) / 8
        step = STEP_MIN + STEP_PER_NOISE * self._noise
        changed = cv2.absdiff(current, background) > step
        relit = False
        if self._seen(changed).mean() > LIGHT_PART:
            gain, offset = _light_between(base, now)
            lit = (background * gain + offset).astype(np.float32)
            still_changed = cv2.absdiff(current, lit) > step
            relit = bool(self._seen(still_changed).mean() < self._seen(changed).mean() / 2)
            if relit:
                background[:] = lit
                changed = still_changed
        whole = self._seen(changed).mean() > 0.8
        boxes = () if whole else self._boxes(self._inside_zones(changed), pixels.shape)
        cv2.accumulateWeighted(current, background, 1.0 if whole else _rate(elapsed_s))
        return Motion(bool(whole or boxes), boxes, alike, relit=relit, same_s=same_s)

    def _draw_polygons(self, shape: tuple[int, ...]) -> None:
        """Find what masks leave visible and what lies in zones, of the small picture."""
        height, width = shape
        if self._masks:
            visible = ~inside(self._masks, width=width, height=height)
            self._visible = visible if visible.any() else None  # all black: nothing to leave out
        if self._zones:
            self._wanted = inside(self._zones, width=width, height=height)

    def _seen(self, picture: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
        """Return what masks leave of a small picture, as a row of values; without any, all."""
        return picture if self._visible is None else picture[self._visible]

    def _inside_zones(self, changed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Leave out what changed outside every zone, and what flickers at a mask's edge."""
        for wanted in (self._wanted, self._visible):
            if wanted is not None:
                changed = changed & wanted
        return changed

    def _same_s(self, pixels: Pixels, at_s: float) -> float:
        """Return for how long every sampled pixel has been exactly the same. Sensors have noise."""
        sample = pixels[::SAMPLE_PX, ::SAMPLE_PX]
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._sample, self._sample_s = sample.copy(), at_s
        return at_s - self._sample_s

    def _boxes(self, changed: npt.NDArray[np.bool_], shape: tuple[int, ...]) -> tuple[Region, ...]:
        """Return the connected parts of `changed` that are large enough, in pixels of the frame."""
        mask = cv2.dilate(changed.view(np.uint8), np.ones((5, 5), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        height, width = changed.shape
        scale_x, scale_y = shape[1] / width, shape[0] / height
        found = []
        for x, y, w, h, _area in stats[1:count]:
            area = int(np.count_nonzero(changed[y : y + h, x : x + w]))
            if area >= max(1.0, self._section.area_min * changed.size):
                corner = (int(x * scale_x), int(y * scale_y))
                end = (math.ceil((x + w) * scale_x), math.ceil((y + h) * scale_y))
                found.append((area, Region(*corner, min(end[0], shape[1]), min(end[1], shape[0]))))
        found.sort(key=lambda pair: -pair[0])
        return tuple(box for _, box in found)


def small_grey(pixels: Pixels) -> Grey:
    """Average a frame down to WIDTH_PX columns and turn it grey; every second row is enough.

    However tall the frame is, the result has no more than HEIGHT_MAX_PX rows.
    """
    height, width = pixels.shape[:2]
    size = (WIDTH_PX, min(max(2, round(WIDTH_PX * height / width)), HEIGHT_MAX_PX))
    small = cv2.resize(pixels[::2], size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _rate(elapsed_s: float) -> float:
    return 1.0 - math.exp(-max(0.0, elapsed_s) / BACKGROUND_S)


def _median(values: Grey) -> int:
    """Return the median of a uint8 picture, by counting."""
    counts = np.bincount(values.ravel(), minlength=256)
    return int(np.searchsorted(np.cumsum(counts), values.size / 2))


def _light_between(
    background: npt.NDArray[np.float32], current: npt.NDArray[np.float32]
) -> tuple[float, float]:
    """Return the gain and offset that bring the background nearest to `current`.

    Least squares, thrice, each time without the pixels that fitted worst: a person in front of the
    door is not light.
    """
    gain, offset = 1.0, float(np.median(current) - np.median(background))
    for _ in range(3):
        misfit = np.abs(background * gain + offset - current)
        fits = misfit <= max(1.0, 2.0 * float(np.median(misfit)))
        x, y = background[fits], current[fits]
        spread = float(np.var(x))
        if spread < 1.0:
            break
        gain = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread
        gain = min(max(gain, 1 / GAIN_MAX), GAIN_MAX)  # beyond, any picture fits a flat one
        offset = float(y.mean() - gain * x.mean())
    return gain, offset
