"""A camera that plays what a test tells it, and cameras that misbehave inside a capture process."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

import numpy as np
from typing_extensions import Self

from edgecls.errors import CameraEndedError, CameraError, EdgeclsError
from edgecls.types import Frame, Pixels

FAULT_NUMBER = 3  # the misbehaving cameras deliver so many good frames first


def picture(number: int, *, width: int = 64, height: int = 48) -> Pixels:
    """Return a grey picture whose every pixel is `number` modulo 256: easy to tell torn."""
    return np.full((height, width, 3), number % 256, dtype=np.uint8)


class FakeCamera:
    """Play a script: each step is a picture to deliver or an error to raise; then it has ended.

    Args:    script: what successive reads give.   clock: monotonic seconds.
             now: the wall clock, UTC.
    """

    def __init__(
        self,
        script: Sequence[Pixels | EdgeclsError],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._script = list(script)
        self._clock = clock
        self._now = now
        self._sequence = 0
        self._is_open = False

    def __enter__(self) -> Self:
        self._is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._is_open = False

    def read(self, timeout_s: float) -> Frame:
        """Return or raise the script's next step; `timeout_s` is never needed."""
        del timeout_s
        if not self._is_open:
            raise CameraError("the fake camera is closed, expected an open one")
        if not self._script:
            raise CameraEndedError("the fake camera's script has ended")
        step = self._script.pop(0)
        if isinstance(step, EdgeclsError):
            raise step
        frame = Frame(step, self._clock(), self._now(), self._sequence)
        self._sequence += 1
        return frame


class SteadyCamera(FakeCamera):
    """Deliver numbered pictures for ever: what a capture process can open. Base of the next ones.

    Args:    section: any camera section; not looked at.
    """

    def __init__(self, section: Any) -> None:  # Any: plain attributes inside a capture process
        super().__init__([])
        self._section = section

    def read(self, timeout_s: float) -> Frame:
        self._script = [self.next_picture(self._sequence)]
        return super().read(timeout_s)

    def next_picture(self, number: int) -> Pixels:
        return picture(number)


class HangingCamera(SteadyCamera):
    """Deliver a few frames, then sleep inside `read`, whatever the deadline."""

    def next_picture(self, number: int) -> Pixels:
        if number >= FAULT_NUMBER:
            time.sleep(3600)
        return picture(number)


class NeverOpeningCamera(SteadyCamera):
    """Hang while it is opened."""

    def __enter__(self) -> Self:
        time.sleep(3600)
        return self


class CrashingCamera(SteadyCamera):
    """Deliver a few frames, then die as a driver's bug would: by SIGSEGV."""

    def next_picture(self, number: int) -> Pixels:
        if number >= FAULT_NUMBER:
            os.kill(os.getpid(), signal.SIGSEGV)
        return picture(number)


class BuggyCamera(SteadyCamera):
    """Raise an error that is no CameraError."""

    def next_picture(self, number: int) -> Pixels:
        raise ZeroDivisionError(f"the bug in frame {number}")


class RefusingCamera(SteadyCamera):
    """Refuse to open, with a reason and a hint."""

    def __enter__(self) -> Self:
        raise CameraError("the fake camera refuses", hint="be kind to it")


class EndingCamera(SteadyCamera):
    """Deliver a few frames, then end."""

    def next_picture(self, number: int) -> Pixels:
        if number >= FAULT_NUMBER:
            raise CameraEndedError("the fake camera has ended")
        return picture(number)


class ResizingCamera(SteadyCamera):
    """Change the resolution every few frames: larger, then smaller."""

    def next_picture(self, number: int) -> Pixels:
        scale = 1 + number // FAULT_NUMBER % 3
        return picture(number, width=64 * scale, height=48 * scale)


class LargeCamera(SteadyCamera):
    """Deliver pictures of 1280x720 as fast as it can, each of one grey level."""

    def next_picture(self, number: int) -> Pixels:
        return picture(number, width=1280, height=720)


class GarblingCamera(SteadyCamera):
    """Deliver a few frames, then write nonsense into every descriptor of its process."""

    def next_picture(self, number: int) -> Pixels:
        if number >= FAULT_NUMBER:
            for descriptor in range(3, 32):
                with contextlib.suppress(OSError):
                    os.write(descriptor, b"\x00\xffnonsense\n" * 50)
        return picture(number)


class ChattyCamera(SteadyCamera):
    """Write far more to standard error than anybody wants to read."""

    def next_picture(self, number: int) -> Pixels:
        for line in range(100):
            with contextlib.suppress(BlockingIOError):
                os.write(2, f"driver: frame {number}, line {line} {'.' * 200}\n".encode())
        return picture(number)
