"""Cameras whose pictures another program writes to a pipe as JPEG files."""

from __future__ import annotations

import logging
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from types import TracebackType
from typing import ClassVar

import av
from typing_extensions import Self

from edgecls._lib.deadline import Deadline
from edgecls.cameras.child import ChildProgram
from edgecls.cameras.decoding import RgbConverter, economise
from edgecls.cameras.jpeg_stream import JpegStream
from edgecls.errors import CameraError, EdgeclsError, MissingDependencyError
from edgecls.types import Frame, Pixels

log = logging.getLogger(__name__)

GARBAGE_BYTES_MAX = 16 * 1024 * 1024
LOOK_S = 0.5  # how long closing may wait for the thread to look up
CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Reason:
    """What a program's complaint means.

    Args:    pattern: looked for in its last lines.   why, hint: for people.
             missing: something is not installed, rather than out of order.
    """

    pattern: str
    why: str
    hint: str
    missing: bool = False


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest picture, not decoded, and when it came."""

    jpeg: bytes
    captured_s: float
    captured_at: datetime
    sequence: int


class PipedCamera(ABC):
    """A camera behind a program that writes JPEG after JPEG to its standard output.

    A thread empties the pipe and keeps the newest file only; it is decoded when somebody reads.

    Args:    name: of the camera, for messages.
    """

    reasons: ClassVar[Sequence[Reason]] = ()
    data_fd: ClassVar[int] = 1
    """Where the program writes its pictures."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._child: ChildProgram | None = None
        self._changed = threading.Condition()
        self._newest: _Newest | None = None
        self._failure: EdgeclsError | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen = -1
        self._codec = av.CodecContext.create("mjpeg", "r")
        self._converter = RgbConverter()

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return the program and its words. Raises: MissingDependencyError, CameraError."""

    def __enter__(self) -> Self:
        economise(self._codec)
        command = self._command()
        log.info("%s: started %s", self._name, " ".join(command))
        self._child = ChildProgram(command, data_fd=self.data_fd)
        self._thread = threading.Thread(
            target=self._run, args=(self._child,), name=f"pipe {self._name}", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the program, by force if it must be."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            self._thread = None
        if self._child is not None:
            self._child.close()
            self._child = None

    def read(self, timeout_s: float) -> Frame:
        """Return the newest picture not yet returned; see `ports.Camera.read`."""
        if self._child is None:
            raise CameraError(f"{self._name} is closed, expected an open camera")
        deadline = Deadline(timeout_s)
        while True:
            newest = self._next(deadline, timeout_s)
            pixels = self._decoded(newest.jpeg)
            if pixels is not None:
                return Frame(pixels, newest.captured_s, newest.captured_at, newest.sequence)

    def _next(self, deadline: Deadline, timeout_s: float) -> _Newest:
        with self._changed:
            while self._newest is None or self._newest.sequence == self._seen:
                if self._failure is not None:
                    raise self._failure
                if deadline.passed:
                    raise CameraError(
                        f"{self._name}: no frame within {timeout_s:g} s{self._last_words()}",
                        hint="check the camera's cable; the log above shows the program's words",
                    )
                self._changed.wait(deadline.remaining_s)
            self._seen = self._newest.sequence
            return self._newest

    def _decoded(self, jpeg: bytes) -> Pixels | None:
        """Return RGB uint8, shape (H, W, 3); None for a damaged picture."""
        packet = av.Packet(jpeg)
        try:
            pictures = self._codec.decode(packet)
        except av.FFmpegError:
            log.debug("%s: a damaged picture was passed over", self._name)
            return None
        return self._converter.pixels(pictures[-1]) if pictures else None

    def _run(self, child: ChildProgram) -> None:
        try:
            failure = self._take_pictures(child)
        except Exception as error:  # the reader must hear of it, whatever it is
            log.exception("reading from the camera's program failed")
            failure = CameraError(f"{self._name}: reading failed: {type(error).__name__}")
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _take_pictures(self, child: ChildProgram) -> EdgeclsError | None:
        """Keep the newest picture until the program ends or nobody wants it any more."""
        stream = JpegStream()
        sequence = 0
        while not self._stop.is_set():
            piece = child.read(LOOK_S)
            if piece is None:
                return self._ended(child)
            for jpeg in stream.feed(piece):
                newest = _Newest(jpeg, time.monotonic(), datetime.now(timezone.utc), sequence)
                sequence += 1
                with self._changed:
                    self._newest = newest
                    self._changed.notify_all()
            if stream.garbage_bytes > GARBAGE_BYTES_MAX:
                return CameraError(
                    f"{self._name}: its program writes something that is no JPEG",
                    hint="update the system's camera programs",
                )
        return None

    def _ended(self, child: ChildProgram) -> EdgeclsError:
        """Say why the program ended, by what it wrote last."""
        how, said = child.how_it_ended(), "\n".join(child.said)
        for reason in self.reasons:
            if re.search(reason.pattern, said, re.IGNORECASE):
                kind = MissingDependencyError if reason.missing else CameraError
                return kind(f"{self._name}: {reason.why}", hint=reason.hint)
        last = f"; it said: {child.said[-1]}" if child.said else ""
        return CameraError(
            f"{self._name}: its program {how}{last}",
            hint="run it by hand to see more; the log above shows its whole command",
        )

    def _last_words(self) -> str:
        said = self._child.said if self._child is not None else ()
        return f"; its program said: {said[-1]}" if said else ""
