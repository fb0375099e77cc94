"""A picture whose scores are known: it tells when the model no longer answers right.

Memory that rots, a library that was replaced under a running process or an engine in a bad state
give wrong scores without any error. So one picture is judged at the start, and the same one now and
then: the scores may differ by what one step of the model's quantized output is worth, no more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from edgecls.errors import EdgeclsError
from edgecls.logs import RepeatedError
from edgecls.types import Classification, Pixels

log = logging.getLogger(__name__)

EVERY_S = 300.0
FLOAT_STEP = 1 / 256
"""For a model whose output is not quantized: the step of one whose scores are."""


class Judge(Protocol):
    """Whatever classifies; `edgecls.classifier.Classifier` in the daemon."""

    def classify(self, pixels: Pixels) -> Classification: ...


def golden_picture(side_px: int) -> Pixels:
    """Return the picture: (side_px, side_px, 3), the same on every machine and at every start.

    Waves of three frequencies, one per colour, and a bright disc: every part of a network has
    something to do, and only whole numbers are involved in the end.
    """
    rows, columns = np.mgrid[0:side_px, 0:side_px].astype(np.int64)
    waves = [(rows * a + columns * b + (rows * columns) // c) % 256 for a, b, c in
             ((3, 1, 7), (1, 5, 11), (7, 2, 5))]  # fmt: skip
    pixels = np.stack(waves, axis=2)
    centre = side_px // 2
    disc = (rows - centre) ** 2 + (columns - centre) ** 2 < (side_px // 3) ** 2
    pixels[disc] = (pixels[disc] + 2 * 224) // 3
    return np.ascontiguousarray(pixels, np.uint8)


class GoldenCheck:
    """Remember what the model says of the golden picture, and ask again now and then.

    Args:    judge: who is asked; the first time here and now.   side_px: the model's input size.
             step: of the model's output, in scores; two answers may be so far apart.
             clock: monotonic seconds.
    Raises:  InferenceError when the model fails at the start.
    """

    def __init__(
        self,
        judge: Judge,
        *,
        side_px: int,
        step: float = FLOAT_STEP,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._judge = judge
        self._step = step
        self._every_s = every_s
        self._clock = clock
        self._picture = golden_picture(side_px)
        self._expected: Mapping[str, float] = judge.classify(self._picture).scores
        self._next_s = clock() + every_s
        self._repeated = RepeatedError(log, "the golden picture")
        self.problem: str | None = None

    def tick(self) -> None:
        """Ask again when it is time; blocks for one inference then."""
        now_s = self._clock()
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._every_s
        try:
            problem = self._difference(self._judge.classify(self._picture).scores)
        except EdgeclsError as error:
            problem = f"the model failed on the golden picture: {error}"
        self.problem = problem
        if problem is None:
            self._repeated.recovered()
        else:
            self._repeated.failed(ValueError(problem))

    def right(self) -> bool:
        """Tell whether the last answer was the expected one."""
        return self.problem is None

    def _difference(self, scores: Mapping[str, float]) -> str | None:
        for label, expected in self._expected.items():
            if not abs(scores[label] - expected) <= self._step + 1e-6:  # NaN is no right answer
                return (
                    f"the model gives {label!r} {scores[label]:.4f} for the golden picture, "
                    f"expected {expected:.4f} as at the start"
                )
        return None
