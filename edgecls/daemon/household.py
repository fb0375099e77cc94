"""What the page shows: filled by the loop, read by the page's threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from statistics import median

import cv2
import numpy as np

from edgecls.bundle.images import encode_jpeg
from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.process import disk_free_bytes, memory_bytes
from edgecls.daemon.watch import Seen
from edgecls.ports import Board
from edgecls.store.reader import StoreReader
from edgecls.types import Frame, Visit
from edgecls.web.source import Health, Now

LATEST_WIDTH_PX = 960
LATEST_QUALITY = 80
RECENT = 200
"""Classifications over which the median latency is taken."""


class DaemonHousehold:
    """Implement `web.source.Household`; `show` and the problems come from the loop's thread.

    Args:    camera: its name for people.   model: "name version, variant".
             counts: asks capture.   clock: monotonic seconds.   now: the wall clock, UTC.
    """

    def __init__(
        self,
        reader: StoreReader,
        board: Board,
        *,
        camera: str,
        model: str,
        counts: Callable[[], CaptureCounters],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._reader = reader
        self._board = board
        self._board_text = " · ".join([board.identity().model, board.identity().system])
        self._camera = camera
        self._model = model
        self._counts = counts
        self._clock = clock
        self._now = now
        self._started_s = clock()
        self._turn = threading.Lock()
        self._frame: Frame | None = None
        self._score: float | None = None
        self._state = "no_picture"
        self._since = now()
        self._camera_problem: str | None = None
        self._storage_problem: str | None = None
        self._latencies_ms: deque[float] = deque(maxlen=RECENT)
        self._frames = 0
        self._inferences = 0
        self._jpeg_turn = threading.Lock()
        self._jpeg: tuple[tuple[int, float], bytes] | None = None

    def show(self, frame: Frame, seen: Seen, *, somebody: bool) -> None:
        """Take in a frame and what the watch made of it. The frame is kept until the next."""
        with self._turn:
            self._frame = frame
            self._score = seen.smoothed
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
                state=self._state,
                score=self._score,
                since=self._since,
                frame_age_s=None if age is None else max(0.0, age),
                problem=self._camera_problem or self._storage_problem,
            )

    def health(self) -> Health:
        counts = self._counts()
        with self._turn:
            latencies = list(self._latencies_ms)
            frames, inferences = self._frames, self._inferences
        return Health(
            board=self._board_text,
            camera=self._camera,
            camera_connected=counts.connected,
            frames=frames,
            frames_dropped=counts.dropped,
            frames_per_s=counts.frames_per_s,
            camera_restarts=counts.restarts,
            inference_p50_ms=median(latencies) if latencies else None,
            inferences=inferences,
            temperature_c=self._board.temperature_c(),
            throttled=self._board.throttled(),
            memory_bytes=memory_bytes(),
            disk_free_bytes=disk_free_bytes(self._reader.folder),
            store_bytes=self._reader.bytes_used(),
            model=self._model,
            uptime_s=self._clock() - self._started_s,
        )

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

    def visits(self, *, limit: int, before_id: int | None = None) -> Sequence[Visit]:
        return self._reader.visits(limit=limit, before_id=before_id)

    def visit(self, visit_id: int) -> Visit | None:
        return self._reader.visit(visit_id)

    def snapshot(self, name: str) -> bytes | None:
        return self._reader.snapshot(name)

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
