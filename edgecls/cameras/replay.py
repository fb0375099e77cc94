"""Play a folder of images, one image or a video file as if it were a camera."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from typing_extensions import Self

from edgecls import plugins
from edgecls._lib.deadline import Deadline
from edgecls.bundle.image_header import header_from_bytes
from edgecls.errors import CameraEndedError, CameraError, ImageError
from edgecls.types import Frame, Pixels

if TYPE_CHECKING:  # the capture process does without pydantic
    from edgecls.sections.camera import ReplayCameraSection

log = logging.getLogger(__name__)

HEADER_BYTES = 65_536
TOLERANCE_S = 1e-6  # of rounding in timestamps
SOURCES = {  # two leaves, so that a video needs no OpenCV and an image no PyAV
    "images": "edgecls.cameras.replay_images:ImageSource",
    "video": "edgecls.cameras.replay_video:VideoSource",
}

Picture = tuple[float, Callable[[], Pixels]]
"""Seconds from the start of a pass, and what makes the pixels. Only shown pictures are made."""


class Source(Protocol):
    """What can be played over and over."""

    def pictures(self) -> Iterator[Picture]:
        """Play one pass. Raises: CameraError when the source cannot be read."""
        ...


class ReplayCamera:
    """Play a source, at its own pace or as fast as it is read.

    With `realtime` off, a read gives the frame that a reader at `fps` would have seen next, without
    waiting for it: the same frames, and captured_s tells the time in the source.

    Args:    clock: monotonic seconds.   sleep: waits so many seconds; tests pass their own.
    """

    def __init__(
        self,
        section: ReplayCameraSection,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._section = section
        self._clock = clock
        self._sleep = sleep
        self._source: Source | None = None
        self._pass: Iterator[Picture] = iter(())
        self._next: Picture | None = None
        self._offset_s = 0.0  # where the running pass began
        self._position_s = 0.0  # of the last picture taken
        self._step_s = 1 / section.fps
        self._gap_s = self._step_s  # between the last two pictures taken
        self._virtual_s = -self._step_s
        self._start_s: float | None = None
        self._started_at = datetime.now(timezone.utc)
        self._sequence = -1

    def __enter__(self) -> Self:
        """Find out what the source is, and read its first picture.

        Raises:  CameraError if it is missing, empty or nothing that can be shown.
        """
        path = self._section.source
        kind = "images" if path.is_dir() or _is_image(path) else "video"
        source: Source = plugins.load("replay source", SOURCES, kind)(self._section)
        self._source = source
        self._pass = source.pictures()
        self._next = next(self._pass, None)
        if self._next is None:
            raise CameraError(f"{path} holds no picture", hint="give a folder with images in it")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._source, self._pass, self._next = None, iter(()), None

    def read(self, timeout_s: float) -> Frame:
        """Return the newest picture that is due and was not returned; wait for it if need be."""
        if self._source is None:
            raise CameraError("the replay camera is closed, expected an open one")
        if self._start_s is None:
            self._start_s = self._clock()
            self._started_at = datetime.now(timezone.utc)
        deadline = Deadline(timeout_s, clock=self._clock)
        while True:
            self._await_next(deadline, timeout_s)
            make = self._take()
            while self._is_due() and not deadline.passed:
                make = self._take()
            try:
                pixels = make()
            except ImageError as error:
                log.warning("%s", error)
                if deadline.passed:
                    raise CameraError(str(error), hint=error.hint) from error
                continue
            return Frame(
                pixels,
                self._start_s + self._position_s,
                self._started_at + timedelta(seconds=self._position_s),
                self._sequence,
            )

    def _await_next(self, deadline: Deadline, timeout_s: float) -> None:
        """Block until the next picture is due."""
        if self._next is None:
            raise CameraEndedError(f"{self._section.source} has no more pictures")
        wait_s = self._next[0] - self._now_s()
        if not self._section.realtime:
            self._virtual_s = max(self._virtual_s + self._step_s, self._next[0])
        elif wait_s > deadline.remaining_s:
            self._sleep(deadline.remaining_s)
            raise CameraError(
                f"{self._section.source}: no picture is due within {timeout_s:g} s",
                hint="raise fps or frame_timeout_s in the [camera] section",
            )
        elif wait_s > 0:
            self._sleep(wait_s)

    def _is_due(self) -> bool:
        return self._next is not None and self._next[0] <= self._now_s() + TOLERANCE_S

    def _now_s(self) -> float:
        """Return the time since the first read, or what stands for it."""
        if not self._section.realtime or self._start_s is None:
            return self._virtual_s
        return self._clock() - self._start_s

    def _take(self) -> Callable[[], Pixels]:
        """Advance by one picture; return what makes the one that was next."""
        assert self._next is not None and self._source is not None  # noqa: S101, PT018
        position_s, make = self._next
        if self._sequence >= 0 and position_s > self._position_s:
            self._gap_s = position_s - self._position_s
        self._position_s = position_s
        self._sequence += 1
        following = next(self._pass, None)
        if following is None and self._section.loop:
            self._offset_s = self._position_s + self._gap_s
            self._pass = self._source.pictures()
            following = next(self._pass, None)
        self._next = following and (self._offset_s + following[0], following[1])
        return make


def _is_image(path: Path) -> bool:
    """Look into a file. Raises: CameraError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return header_from_bytes(file.read(HEADER_BYTES)) is not None
    except OSError as error:
        raise CameraError(
            f"cannot read {path}: {error.strerror}", hint="give a folder, an image or a video file"
        ) from error
