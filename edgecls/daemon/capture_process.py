"""One capture process from its start to its end, seen from the parent."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

from edgecls.daemon.capture_wire import (
    SlotReader,
    message_from_line,
    order_from_section,
)
from edgecls.sections.camera import CaptureSection
from edgecls.types import Frame

log = logging.getLogger(__name__)

LINE_BYTES_MAX = 4096
LOG_LINES_MAX = 50
REAP_S = 2.0
# Frames are large: handed back to the system when freed, they do not pile up in the heap (5 MB of
# 60 in the capture process, measured at 1280x720). It does no linear algebra either.
_FRUGAL = {"MALLOC_MMAP_THRESHOLD_": "262144", "OPENBLAS_NUM_THREADS": "1"}
_BOOT = (
    "import sys; fds = sys.argv[1:3]; sys.path[:] = sys.argv[3:]; "
    "from edgecls.daemon.capture_child import main; sys.exit(main(*map(int, fds)))"
)


class CaptureProcess:
    """A running capture process.

    Args:    section: the camera's.   leaf: "module:Class" in place of the camera table's, or None.
    """

    def __init__(self, section: CaptureSection, *, leaf: str | None = None) -> None:
        self._name = section.name
        self._lines = {"messages": b"", "log": b""}
        self._logged = 0
        self._memory = os.memfd_create(f"edgecls-{section.name}")
        message_end, message_write_end = os.pipe2(os.O_CLOEXEC)
        log_end, log_write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(log_write_end, False)  # a chatty driver must not stop on a full pipe
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, str(self._memory), str(message_write_end), *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log_write_end,
                pass_fds=(self._memory, message_write_end),
                start_new_session=True,  # out of the terminal's group: Ctrl-C does not reach it
                bufsize=0,
                env={**_FRUGAL, **os.environ},
            )
        finally:
            os.close(message_write_end)
            os.close(log_write_end)
        self._slots = SlotReader(self._memory)
        self._ends = {message_end: "messages", log_end: "log"}
        self._poll = select.poll()
        for end in self._ends:
            os.set_blocking(end, False)
            self._poll.register(end, select.POLLIN)
        self.started_s = time.monotonic()
        self._open = True
        with contextlib.suppress(BrokenPipeError):  # it died already; the messages will tell
            assert self._process.stdin is not None  # noqa: S101
            self._process.stdin.write(order_from_section(section, leaf))

    @property
    def pid(self) -> int:
        return self._process.pid

    def newest(self, *, after: int) -> tuple[Frame, float] | None:
        """Return the newest frame above number `after` and when it was published, or None.

        Raises:  GarbledError.
        """
        return self._slots.newest(after=after)

    def wait(self, timeout_s: float) -> tuple[list[dict[str, Any]], bool]:
        """Block until the process says something, or for `timeout_s`; pass its log lines on.

        Returns: its messages, and whether it has ended: nothing will follow.
        Raises:  GarbledError.
        """
        messages: list[dict[str, Any]] = []
        ended = False
        for descriptor, _ in self._poll.poll(timeout_s * 1000):
            what = self._ends[descriptor]
            data = os.read(descriptor, 65_536)
            if not data:
                self._poll.unregister(descriptor)
                ended = ended or what == "messages"
            lines = self._split(what, data)
            if what == "log":
                self._pass_on(lines)
            else:
                messages.extend(message_from_line(line) for line in lines)
        return messages, ended

    def how_it_ended(self) -> str:
        """Say how the process ended, once `wait` has reported its end; kill it if it lingers."""
        self.close()
        code = self._process.returncode
        if code is None:
            return "the capture process cannot be ended: its driver hangs inside the kernel"
        if code < 0:
            return f"the capture process was ended by {signal.Signals(-code).name}"
        return f"the capture process ended with code {code}"

    def close(self) -> None:
        """Kill the process, reap it and give back its memory. May be called twice."""
        if not self._open:
            return
        self._open = False
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        try:
            self._process.wait(REAP_S)
        except subprocess.TimeoutExpired:  # uninterruptible sleep: the kernel reaps it some day
            log.warning("capture of %s: process %d does not end when killed", self._name, self.pid)
        with contextlib.suppress(OSError):
            for end, what in self._ends.items():
                if what == "log":
                    self._pass_on(self._split(what, os.read(end, 65_536)))
        if self._process.stdin is not None:
            self._process.stdin.close()
        for descriptor in (*self._ends, self._memory):
            os.close(descriptor)

    def _split(self, what: str, data: bytes) -> list[bytes]:
        """Return the whole lines that `data` completes. A line without end is cut."""
        *lines, rest = (self._lines[what] + data).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            lines.append(rest)
            rest = b""
        self._lines[what] = rest
        return lines

    def _pass_on(self, lines: list[bytes]) -> None:
        """Write the process's log lines into ours: the first ones, then none."""
        for line in lines:
            self._logged += 1
            if self._logged <= LOG_LINES_MAX:
                text = line[:500].decode(errors="replace")
                log.warning("capture of %s: %s", self._name, text)
            elif self._logged == LOG_LINES_MAX + 1:
                log.warning("capture of %s: more lines are left out", self._name)
