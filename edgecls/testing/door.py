"""A door as a camera sees it: a pattern, sensor noise, and somebody who glows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from edgecls.types import Frame, Pixels

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)
MARGIN_PX = 64


class FakeDoor:
    """Make frames of a door.

    Args:    fps: how far apart their times are.   noise: of the sensor, in grey values.
    """

    def __init__(
        self, *, fps: float = 4.0, noise: float = 3.0, width: int = 640, height: int = 360
    ) -> None:
        self._random = np.random.default_rng(7)
        blocks = self._random.integers(60, 140, (9, 16, 1)).repeat(3, axis=2)
        rows, columns = height // 9, width // 16
        self._scene = blocks.repeat(rows, axis=0).repeat(columns, axis=1).astype(np.int16)
        size = (height + MARGIN_PX, width + MARGIN_PX, 3)
        self._noise = self._random.normal(0, noise, size).round().astype(np.int16)
        self._fps = fps
        self._count = 0
        self.tint: tuple[int, int, int] = (0, 0, 0)
        """Added to red, green and blue of the lower half: a door without any is infra-red."""

    @property
    def at_s(self) -> float:
        """Return the monotonic time of the next frame."""
        return 1000.0 + self._count / self._fps

    def wait(self, seconds: float) -> None:
        """Let time pass without a frame."""
        self._count += round(seconds * self._fps)

    def pixels(self, person: tuple[int, int, int, int] | None = None) -> Pixels:
        """Return a picture; `person` is x0, y0, x1, y1 of somebody who glows."""
        scene = self._scene.copy()
        if person is not None:
            x0, y0, x1, y1 = person
            scene[y0:y1, x0:x1] = 240
        scene[scene.shape[0] // 2 :] += np.array(self.tint, np.int16)
        down, right = self._random.integers(0, MARGIN_PX, 2)  # another part of it for each frame
        height, width = scene.shape[:2]
        scene += self._noise[down : down + height, right : right + width]
        return np.asarray(np.clip(scene, 0, 255), np.uint8)

    def frame(
        self, person: tuple[int, int, int, int] | None = None, *, pixels: Pixels | None = None
    ) -> Frame:
        """Return the next frame, of `pixels` if given."""
        at_s, number = self.at_s, self._count
        self._count += 1
        shown = self.pixels(person) if pixels is None else pixels
        return Frame(shown, at_s, NOON + timedelta(seconds=at_s - 1000.0), number)
