"""A classifier that anybody can predict: whoever glows is a person."""

from __future__ import annotations

import numpy as np

from edgecls.types import Classification, Pixels

GLOW = 200


class FakeJudge:
    """Call a picture a person by how much of it is brighter than GLOW.

    Args:    part_min: from this part of the picture on the score is 0.95, else 0.05.
    """

    def __init__(self, *, part_min: float = 0.02) -> None:
        self._part_min = part_min
        self.shapes: list[tuple[int, ...]] = []
        """Of every picture judged, in order."""

    def classify(self, pixels: Pixels) -> Classification:
        self.shapes.append(pixels.shape)
        part = float(np.mean(pixels.min(axis=2) > GLOW))
        score = 0.95 if part >= self._part_min else 0.05
        label = "person" if score > 0.5 else "no_person"
        return Classification(label, {"no_person": 1 - score, "person": score}, latency_ms=2.0)
