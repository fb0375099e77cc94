"""Run the real daemon as a service manager would, and watch it from outside.

The manager's watchdog is set so short that every judged frame feeds it: each datagram is one frame
that went all the way, with the time of its arrival. Nothing in the daemon is changed for that.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import Self

ROOT = Path(__file__).resolve().parents[1]
WATCHDOG_US = 2_000  # fed at most every quarter of it: once per frame at any rate we use
START_S = 90.0
STOP_S = 30.0


class Service:
    """A daemon under a manager that counts its frames.

    Args:    config: its TOML file.   log: where all goes that it says.
             words: what Python is to run, before the config; the service's way in if left out.
    """

    def __init__(
        self, config: Path, log: Path, *, words: Sequence[str] = ("-m", "edgecls.daemon")
    ) -> None:
        self._config = config
        self._log = log
        self._words = tuple(words)
        self._socket_path = log.with_suffix(".notify")
        self._frames: list[float] = []
        self._news = threading.Condition()
        self.statuses: list[str] = []
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(str(self._socket_path))
        threading.Thread(target=self._listen, daemon=True).start()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._words, str(self._config)],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "NOTIFY_SOCKET": str(self._socket_path),
                    "WATCHDOG_USEC": str(WATCHDOG_US),
                },
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._line is not None:
            self._line.close()
        self._socket_path.unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def frames(self) -> int:
        """Return how many frames were judged so far."""
        return len(self._frames)

    def frame_after(self, moment_s: float, timeout_s: float) -> float | None:
        """Wait for a frame judged after `moment_s` (monotonic); return its time, or None."""
        end_s = time.monotonic() + timeout_s
        with self._news:
            while not self._frames or self._frames[-1] <= moment_s:
                left_s = end_s - time.monotonic()
                if left_s <= 0 or (not self._news.wait(min(left_s, 1.0)) and not self.alive):
                    return None
            return next(at_s for at_s in self._frames if at_s > moment_s)

    def frames_between(self, begin_s: float, end_s: float) -> int:
        with self._news:
            return sum(begin_s < at_s < end_s for at_s in reversed(self._frames[-5000:]))

    def told(self, word: str, timeout_s: float = START_S, *, after: int = 0) -> str:
        """Wait for a message that begins with `word`, the first after so many; return it."""
        end_s = time.monotonic() + timeout_s
        with self._news:
            while True:
                found = [text for text in self.statuses[after:] if text.startswith(word)]
                if found:
                    return found[0]
                if time.monotonic() > end_s or not self.alive:
                    raise AssertionError(f"not told {word}:\n{self.log_text()}")
                self._news.wait(0.2)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; return the exit code."""
        assert self._process is not None
        return self._process.wait(START_S)

    def stop(self) -> int:
        """End it as systemd does; return its exit code."""
        assert self._process is not None
        self.signal(signal.SIGTERM)
        return self._process.wait(STOP_S)

    def log_text(self) -> str:
        return self._log.read_text(errors="replace")

    def _listen(self) -> None:
        assert self._line is not None
        while True:
            try:
                message = self._line.recv(4096)
            except OSError:
                return
            at_s = time.monotonic()
            with self._news:
                if message == b"WATCHDOG=1":
                    self._frames.append(at_s)
                else:
                    self.statuses.append(message.decode(errors="replace"))
                self._news.notify_all()


def resident_bytes(pid: int) -> int:
    """Return what a process and its children hold in memory, shared pages in their share (PSS)."""
    total = 0
    for each in (pid, *children_of(pid)):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it ended meanwhile
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def open_files(pid: int) -> int:
    """Return how many file descriptors a process holds."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def children_of(pid: int) -> tuple[int, ...]:
    """Return a process's children."""
    return tuple(
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    )


def cpu_s(pid: int) -> float:
    """Return the processor seconds a process has used, its ended children included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
