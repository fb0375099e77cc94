"""A program that serves one camera: it writes to a pipe, and dies with us."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

ENDING_S = 1.0
KILLED_S = 2.0
LINES_KEPT = 12
LINE_CHARS_MAX = 300
PIECE_BYTES = 65_536
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# The kernel kills the program when the thread that started it ends, even by SIGKILL: nothing may
# hold the camera after us. Signals that Python and the capture process ignore are set back.
_LAUNCH = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, int(signal.SIGKILL)); "
    "os.getppid() == int(sys.argv[1]) or sys.exit(1); "
    "[signal.signal(s, signal.SIG_DFL) for s in (signal.SIGPIPE, signal.SIGINT)]; "
    "fd = int(sys.argv[2]); fd == 1 or (os.dup2(1, fd), os.dup2(2, 1)); "
    "os.execvp(sys.argv[3], sys.argv[3:])"
)


def first_program(names: Sequence[str]) -> str | None:
    """Return the first of `names` that is installed, None if none is."""
    return next((name for name in names if shutil.which(name)), None)


class ChildProgram:
    """A running program. To be started from the main thread: it dies when that thread ends.

    Args:    command: the program and its words.
             data_fd: the descriptor that the program writes its data to. With another than standard
             output, what it prints there is taken for words, as what it says on standard error.
    """

    def __init__(self, command: Sequence[str], *, data_fd: int = 1) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), str(data_fd), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert self._process.stdout is not None and self._process.stderr is not None  # noqa: S101, PT018
        self._out = self._process.stdout.fileno()
        self._err = self._process.stderr.fileno()
        self._open = {self._out, self._err}
        self._said: tuple[str, ...] = ()
        self._rest = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> tuple[str, ...]:
        """Return the last lines of words that the program wrote."""
        return self._said

    def read(self, timeout_s: float) -> bytes | None:
        """Return what the program wrote: b"" for nothing in time, None at its end."""
        if self._out not in self._open:
            return None
        ready, _, _ = select.select(list(self._open), [], [], timeout_s)
        if self._err in ready:
            self._listen()
        if self._out not in ready:
            return b""
        piece = os.read(self._out, PIECE_BYTES)
        if piece:
            return piece
        self._open.discard(self._out)
        self._listen_to_the_end()
        return None

    def how_it_ended(self) -> str:
        """Say how the program ended, once `read` gave None; kill it if it lingers."""
        self.close()
        code = self._process.returncode
        if code is None:
            return "it does not end"
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    def close(self) -> None:
        """Ask the program to end as Ctrl-C does, then kill it. May be called twice."""
        for number, patience_s in ((signal.SIGINT, ENDING_S), (signal.SIGKILL, KILLED_S)):
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience_s)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._open.clear()

    def _listen(self) -> None:
        """Keep the last lines of the program's complaints."""
        piece = os.read(self._err, PIECE_BYTES)
        if not piece:
            self._open.discard(self._err)
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[-LINE_CHARS_MAX:]
        if not piece and rest:
            lines.append(rest)
        for line in lines:
            text = _COLOUR.sub("", line.decode("utf-8", "replace")).strip()
            if text:
                self._said = (*self._said, text[:LINE_CHARS_MAX])[-LINES_KEPT:]

    def _listen_to_the_end(self) -> None:
        while self._err in self._open and select.select([self._err], [], [], ENDING_S)[0]:
            self._listen()
