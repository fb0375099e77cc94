"""What is known of one camera: filled by its loop, read by the page's threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime

import cv2
import numpy as np

from edgecls.bundle.images import encode_jpeg
from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.watch import Seen
from edgecls.types import Frame
from edgecls.web.source import CameraHealth, Now

LATEST_WIDTH_PX = 960
LATEST_QUALITY = 80
RECENT = 200
"""Classifications over which the median latency is taken."""


class CameraDesk:
    """Gather one camera's frames, decisions and problems for whoever asks.

    Args:    name, kind: the camera's own in the configuration.   counts: asks its capture.
             clock: monotonic seconds.   now: the wall clock, UTC.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        counts: Callable[[], CaptureCounters],
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self._kind = kind
        self._counts = counts
        self._clock = clock
        self._now = now
        self._turn = threading.Lock()
        self._newest: Frame | None = None
        self._frame: Frame | None = None
        self._score: float | None = None
        self._state = "no_picture"
        self._since = now()
        self._camera_problem: str | None = None
        self._storage_problem: str | None = None
        self._tampered: str | None = None
        self._latencies_ms: deque[float] = deque(maxlen=RECENT)
        self._frames = 0
        self._inferences = 0
        self._jpeg_turn = threading.Lock()
        self._jpeg: tuple[tuple[int, float], bytes] | None = None

    def arrived(self, frame: Frame) -> None:
        """Take in a frame that nobody has judged yet: a press of the doorbell cannot wait."""
        with self._turn:
            self._newest = frame

    def show(self, frame: Frame, seen: Seen, *, somebody: bool) -> None:
        """Take in a frame and what the watch made of it. The frame is kept until the next."""
        with self._turn:
            self._frame = frame
            self._score = seen.smoothed
            self._tampered = seen.tampered
            self._frames += 1
            self._latencies_ms.extend(seen.latencies_ms)
            self._inferences += len(seen.latencies_ms)
            if not seen.frozen:
                self._become("person" if somebody else "nobody")

    def camera_problem(self, problem: str | None) -> None:
        """Say why there is no picture, or that there is one again (None)."""
        with self._turn:
            self._camera_problem = problem
            if problem is not None:
                self._become("no_picture")

    def storage_problem(self, problem: str | None) -> None:
        """Say why visits cannot be stored, or that they can (None)."""
        with self._turn:
            self._storage_problem = problem

    def now(self) -> Now:
        with self._turn:
            age = None if self._frame is None else self._clock() - self._frame.captured_s
            return Now(
                camera=self.name,
                state=self._state,
                score=self._score,
                since=self._since,
                frame_age_s=None if age is None else max(0.0, age),
                problem=self._camera_problem or self._storage_problem,
                tampered=self._tampered,
            )

    def health(self) -> CameraHealth:
        counts = self._counts()
        with self._turn:
            frames = self._frames
        return CameraHealth(
            name=self.name,
            kind=self._kind,
            connected=counts.connected,
            frames=frames,
            frames_dropped=counts.dropped,
            frames_per_s=counts.frames_per_s,
            restarts=counts.restarts,
        )

    def latencies(self) -> tuple[list[float], int]:
        """Return recent classifications' milliseconds, and how many there have been in all."""
        with self._turn:
            return list(self._latencies_ms), self._inferences

    def newest_frame(self) -> Frame | None:
        """Return the newest frame, judged or not, whatever its age; None before the first."""
        with self._turn:
            return self._newest

    def latest_jpeg(self) -> bytes | None:
        """Return the newest frame; encoded when somebody asks, once per frame."""
        with self._turn:
            frame = self._frame
        if frame is None:
            return None
        with self._jpeg_turn:
            key = (frame.sequence, frame.captured_s)
            if self._jpeg is None or self._jpeg[0] != key:
                self._jpeg = (key, _small_jpeg(frame))
            return self._jpeg[1]

    def _become(self, state: str) -> None:
        if state != self._state:
            self._state, self._since = state, self._now()


def _small_jpeg(frame: Frame) -> bytes:
    height, width = frame.pixels.shape[:2]
    pixels = frame.pixels
    if width > LATEST_WIDTH_PX:
        size = (LATEST_WIDTH_PX, max(1, round(height * LATEST_WIDTH_PX / width)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(pixels, LATEST_QUALITY)
