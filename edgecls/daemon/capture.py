"""The camera as the daemon sees it: a supervised process that is restarted when it fails.

A driver that hangs inside C code can only be killed. So each camera is opened in a process of its
own; `read` supervises it, with no thread: whoever reads often keeps a close watch.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from typing_extensions import Self

from edgecls._lib.deadline import Deadline
from edgecls.daemon.capture_process import CaptureProcess
from edgecls.daemon.capture_wire import GarbledError
from edgecls.errors import (
    CameraEndedError,
    CameraError,
    ConfigError,
    EdgeclsError,
    MissingDependencyError,
)
from edgecls.logs import RepeatedError
from edgecls.sections.camera import CaptureSection
from edgecls.types import Frame

log = logging.getLogger(__name__)

BOOT_S = 30.0  # for the interpreter and the camera's libraries to load from a slow card
GRACE_S = 1.0  # a camera that keeps its own deadline gets this long to say what is wrong
GOOD_FRAMES = 10  # after so many the camera is well again, and the pause starts anew
RATE_FRAMES = 32
DRIVER_HINT = "see in the log above what the camera's driver said"
SILENCE_HINT = "check the camera's power and its cable or Wi-Fi, or raise"
FINAL = (CameraEndedError, MissingDependencyError, ConfigError)  # no restart would help


@dataclass(frozen=True, slots=True)
class CaptureCounters:
    """What capture has done since it was opened.

    Args:    frames: handed to the reader.   dropped: published, and overtaken by newer ones.
             skipped: seen by the camera, and passed over to keep to `fps`.
             restarts: processes started beyond the first.   kills: of silent or garbling ones.
             failures: ends of a process, killed or not.   connected: frames are coming.
             last_error: the last failure's reason, or None.   frames_per_s: of late.
    """

    frames: int = 0
    dropped: int = 0
    skipped: int = 0
    restarts: int = 0
    kills: int = 0
    failures: int = 0
    connected: bool = False
    last_error: str | None = None
    frames_per_s: float = 0.0


class Capture:
    """Read a camera through a process that is killed and restarted by deadline.

    Args:    section: the camera's section of the config.
             leaf: "module:Class" that stands in for the camera table's entry.
    """

    def __init__(self, section: CaptureSection, *, leaf: str | None = None) -> None:
        self._section = section
        self._leaf = leaf
        self._process: CaptureProcess | None = None
        self._closed = False
        self._wanted: CaptureSection | None = None
        self._said: EdgeclsError | None = None  # by the process that runs now
        self._final: EdgeclsError | None = None
        self._next_start_s = time.monotonic()
        self._pause_s = section.restart_min_s
        self._last_error: str | None = None
        self._hint: str | None = None
        self._repeated = RepeatedError(log, f"camera {section.name}")
        self._starts = self._kills = self._failures = 0
        self._frames = self._dropped = self._skipped = self._skipped_before = 0
        self._base = 0  # what to add to the process's numbers, so that ours never go back
        self._seen = -1  # the process's number of the last frame taken
        self._opening_s: float | None = None
        self._alive_s = 0.0
        self._shape: tuple[int, ...] = ()
        self._taken_s: deque[float] = deque(maxlen=RATE_FRAMES)

    def __enter__(self) -> Self:
        """Start the process; the camera opens there, and `read` tells how that went."""
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process at once. May be called twice."""
        self._closed = True
        if self._process is not None:
            self._process.close()
            self._process = None

    def change(self, section: CaptureSection) -> None:
        """Let a new process go on with another section at the next read; any thread may ask.

        No frame of the old process is returned from then on: what a new mask hides is hidden.
        """
        self._wanted = section

    @property
    def pid(self) -> int | None:
        """Return the capture process's id, None between two of them."""
        return None if self._process is None else self._process.pid

    @property
    def counters(self) -> CaptureCounters:
        """Return what happened so far. Cheap; may be called from another thread."""
        taken_s = list(self._taken_s)
        span_s = time.monotonic() - taken_s[0] if taken_s else 0.0
        return CaptureCounters(
            frames=self._frames,
            dropped=self._dropped,
            skipped=self._skipped_before + self._skipped,
            restarts=max(0, self._starts - 1),
            kills=self._kills,
            failures=self._failures,
            connected=self._process is not None and self._seen >= 0,
            last_error=self._last_error,
            frames_per_s=len(taken_s) / span_s if span_s > 0 else 0.0,
        )

    def read(self, timeout_s: float) -> Frame:
        """Return the newest frame not yet returned; block until there is one.

        Supervises the process meanwhile: silent beyond its limit, it is killed; ended, it is
        started again after a pause.

        Raises:  CameraEndedError after the last frame of a finite source.
                 CameraError at `timeout_s`, with the reason last known.
                 MissingDependencyError, ConfigError when no restart would help.
        """
        deadline = Deadline(timeout_s)
        while not self._closed:
            frame = self._supervise(deadline)
            if frame is not None:
                return frame
            if self._final is not None:
                raise self._final
            if deadline.passed:
                reason = self._last_error or f"no frame within {timeout_s:g} s"
                hint = self._hint or f"{SILENCE_HINT} open_timeout_s"
                raise CameraError(f"camera {self._section.name!r}: {reason}", hint=hint)
        raise CameraError(f"camera {self._section.name!r} is closed, expected an open one")

    def _supervise(self, deadline: Deadline) -> Frame | None:
        """Take the newest frame, or wait once for whatever comes first: news, limit, deadline."""
        self._follow_change()
        process = self._process
        if process is None:
            if self._final is None:
                pause_s = self._next_start_s - time.monotonic()
                time.sleep(max(0.0, min(pause_s, deadline.remaining_s)))
                if time.monotonic() >= self._next_start_s:
                    self._start()
            return None
        try:
            frame = self._take(process)
            if frame is not None:
                return frame
            limit_s = self._limit_s(process) - time.monotonic()
            messages, ended = process.wait(max(0.0, min(limit_s, deadline.remaining_s)))
            for message in messages:
                self._heed(message)
            if ended or self._said is not None:
                return self._finish(process)
            if limit_s <= 0 and not messages:
                self._kill(process, self._silence())
        except GarbledError as error:
            self._kill(process, CameraError(str(error), hint=DRIVER_HINT))
        return None

    def _follow_change(self) -> None:
        """End the process whose section is not the wanted one; that is no failure."""
        if self._wanted is None:
            return
        self._section, self._wanted = self._wanted, None
        if self._process is not None:
            self._process.close()
            self._process = None
            self._next_start_s = time.monotonic()

    def _take(self, process: CaptureProcess) -> Frame | None:
        """Return the newest frame if there is one that is not stale."""
        found = process.newest(after=self._seen)
        if found is None:
            return None
        frame, published_s = found
        self._dropped += frame.sequence - self._seen - 1
        self._seen = frame.sequence
        self._alive_s = published_s
        if time.monotonic() - published_s > self._section.frame_timeout_s:
            return None  # nobody read for long, and the process fell silent meanwhile
        self._frames += 1
        self._taken_s.append(time.monotonic())
        if frame.sequence + 1 >= GOOD_FRAMES:
            self._pause_s = self._section.restart_min_s
            self._repeated.recovered()
        if frame.pixels.shape != self._shape:
            self._shape = frame.pixels.shape
            height, width = self._shape[:2]
            log.info("camera %s: frames of %dx%d pixels", self._section.name, width, height)
        return Frame(frame.pixels, frame.captured_s, frame.captured_at, self._base + frame.sequence)

    def _heed(self, message: dict[str, Any]) -> None:
        """Act on one message of the process. Raises: GarbledError if it makes no sense."""
        kind = message["kind"]
        if kind == "frame" and isinstance(message.get("skipped"), int):
            self._skipped = message["skipped"]
        elif kind == "opening":
            self._opening_s = time.monotonic()
        elif kind == "ended":
            self._said = CameraEndedError(f"camera {self._section.name!r} has no more frames")
        elif kind == "failed":
            error = {kind.__name__: kind for kind in FINAL}.get(
                str(message.get("type")), CameraError
            )
            self._said = error(str(message.get("error")), hint=message.get("hint"))
        else:
            raise GarbledError("the capture process sent something that is no message")

    def _start(self) -> None:
        self._starts += 1
        self._base += self._seen + 1
        self._skipped_before += self._skipped
        self._seen, self._skipped, self._said, self._opening_s = -1, 0, None, None
        self._process = CaptureProcess(self._section, leaf=self._leaf)
        self._alive_s = self._process.started_s

    def _limit_s(self, process: CaptureProcess) -> float:
        """Return when the process has been silent for too long, on the monotonic clock."""
        if self._opening_s is None:
            return process.started_s + BOOT_S
        if self._seen < 0:
            return self._opening_s + self._section.open_timeout_s + GRACE_S
        return self._alive_s + self._section.frame_timeout_s + GRACE_S

    def _silence(self) -> CameraError:
        if self._opening_s is None:
            return CameraError(
                f"the capture process did not start within {BOOT_S:g} s",
                hint="see with `top` what else keeps this machine busy",
            )
        if self._seen < 0:
            return CameraError(
                f"no first frame within {self._section.open_timeout_s:g} s",
                hint=f"{SILENCE_HINT} open_timeout_s",
            )
        return CameraError(
            f"silent for {self._section.frame_timeout_s:g} s",
            hint=f"{SILENCE_HINT} frame_timeout_s",
        )

    def _kill(self, process: CaptureProcess, error: CameraError) -> None:
        self._kills += 1
        process.close()
        self._failed(error)

    def _finish(self, process: CaptureProcess) -> Frame | None:
        """Deal with a process that ended or said why it will.

        Returns: what it published last, if unseen.
        """
        frame = self._take(process)
        ending = process.how_it_ended()
        if isinstance(self._said, FINAL):
            self._final, self._process = self._said, None
            process.close()
        else:
            self._failed(self._said or CameraError(ending, hint=DRIVER_HINT))
        return frame

    def _failed(self, error: EdgeclsError) -> None:
        """Note the failure and when to start anew: after a pause that doubles."""
        self._failures += 1
        self._last_error, self._hint = error.message, error.hint
        self._repeated.failed(error)
        self._process = None
        self._next_start_s = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._section.restart_max_s)
