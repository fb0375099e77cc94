"""What the classifier is shown of a frame: the whole or its zones, and regions around movers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edgecls.types import Classification, Pixels, Region
from edgecls.vision.polygons import Points, bounds_px, inside
from edgecls.vision.regions import propose


class Judge(Protocol):
    """Whatever tells what a picture shows; `edgecls.classifier.Classifier` in the daemon."""

    def classify(self, pixels: Pixels) -> Classification: ...


@dataclass(frozen=True, slots=True)
class Decider:
    """Who judges, and which label counts.

    Args:    label: the one people are told about.   threshold: its score from which on it counts.
             side_px: the model's input size; smaller regions would only be blown up.
    """

    judge: Judge
    label: str
    threshold: float
    side_px: int


@dataclass(frozen=True, slots=True)
class Look:
    """The best score of the pictures shown.

    Args:    region: where it was, None for the whole frame or a zone.
             latencies_ms: one per picture.
    """

    score: float
    region: Region | None
    latencies_ms: tuple[float, ...]


class Looking:
    """Show a frame to the judge: the whole of it, and squares around what moved.

    With zones, each zone's rectangle takes the place of the whole, and in every picture shown all
    that lies in no zone is black: nothing outside a zone can make a visit.

    Args:    regions_max: squares around movers, at most.
    """

    def __init__(self, decider: Decider, *, regions_max: int, zones: Sequence[Points] = ()) -> None:
        self._decider = decider
        self._regions_max = regions_max
        self._zones = zones
        self._wanted: npt.NDArray[np.bool_] | None = None
        self._rectangles: tuple[Region, ...] = ()

    def judge(self, pixels: Pixels, boxes: Sequence[Region], kept: Region | None = None) -> Look:
        """Score one frame; the best picture counts.

        Args:    boxes: of movers, in pixels, largest first.   kept: a region to look at again.
        """
        height, width = pixels.shape[:2]
        regions = propose(
            boxes,
            width=width,
            height=height,
            side_min=self._decider.side_px,
            regions_max=self._regions_max,
        )
        inside_frame = kept is not None and kept.x1 <= width and kept.y1 <= height
        if kept is not None and inside_frame and kept not in regions:  # the size may have changed
            regions += (kept,)  # somebody who stands still there moves no pixel
        shown, first = self._zoned(pixels)
        best, best_region, latencies = 0.0, None, []
        for part, region in [*((part, None) for part in first), *((r, r) for r in regions)]:
            result = self._decider.judge.classify(part.crop(shown))
            latencies.append(result.latency_ms)
            if result.scores[self._decider.label] > best:
                best, best_region = result.scores[self._decider.label], region
        return Look(best, best_region, tuple(latencies))

    def _zoned(self, pixels: Pixels) -> tuple[Pixels, tuple[Region, ...]]:
        """Return what may be seen of a frame, and the rectangles to look at first."""
        height, width = pixels.shape[:2]
        if not self._zones:
            return pixels, (Region(0, 0, width, height),)
        if self._wanted is None or self._wanted.shape != (height, width):
            self._wanted = inside(self._zones, width=width, height=height)
            self._rectangles = tuple(
                bounds_px(zone, width=width, height=height) for zone in self._zones
            )
        seen = pixels.copy()
        seen[~self._wanted] = 0
        return seen, self._rectangles
