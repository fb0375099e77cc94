"""Measure the daemon on a network camera's stream: CPU and memory, every frame and key frames only.

    python -m scripts.measure_rtsp [--seconds 60] [--run] [--json]

The stream is 1280x720, 25 frames per second, H.264 at 2 Mbit/s, a still scene with sensor noise, a
key frame every 2 s, from a real RTSP server on loopback. The daemon is `edgecls-daemon`, which the
systemd unit starts, or with --run `edgecls run`; with the bundle that ships and with its page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # run as a file rather than with -m
    sys.path.insert(0, str(ROOT))

from tests.streams import RtspServer, make_clip, why_no_rtsp  # noqa: E402

SERVICE = ("-m", "edgecls.daemon")
RUN = ("-c", "from edgecls.cli.main import main; main()", "run", "-c")
START_S = 90.0
SETTLE_S = 8.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FRAMES_PER_S_MIN = 3.5  # of the 4 that the daemon asks for; below, the machine was too busy
MODES = {"every frame": False, "key frames only": True}


@dataclass(frozen=True)
class ProcessMemory:
    """What one process holds, in bytes.

    Args:    file_bytes: resident pages of files (libraries), by the mapping they belong to.
             anonymous_bytes: its own data. Both together are its RSS.
    """

    what: str
    anonymous_bytes: int
    file_bytes: dict[str, int]

    @property
    def rss_bytes(self) -> int:
        return self.anonymous_bytes + sum(self.file_bytes.values())


@dataclass(frozen=True)
class StreamFigures:
    """One run. Args: frames_bytes: the memory file with the frames, mapped by neither process."""

    mode: str
    seconds: float
    cpu_s_per_minute: float
    daemon_cpu_s_per_minute: float
    capture_cpu_s_per_minute: float
    frames_per_s: float
    processes: tuple[ProcessMemory, ...]
    frames_bytes: int

    @property
    def resident_bytes(self) -> int:
        """Return what the processes hold together, a library that several map counted once.

        Not the sum of their PSS: that is too small where other programs map the same libraries.
        """
        libraries: dict[str, int] = {}
        for process in self.processes:
            for mapping, size in process.file_bytes.items():
                libraries[mapping] = max(size, libraries.get(mapping, 0))
        anonymous = sum(process.anonymous_bytes for process in self.processes)
        return anonymous + sum(libraries.values()) + self.frames_bytes

    @property
    def too_busy(self) -> bool:
        """Tell whether other work kept the daemon from decoding every frame: no figure then."""
        return not MODES[self.mode] and self.frames_per_s < FRAMES_PER_S_MIN

    def as_json(self) -> dict[str, object]:
        """Return the figures under plain names."""
        return {
            "mode": self.mode,
            "seconds": self.seconds,
            "cpu_s_per_minute": self.cpu_s_per_minute,
            "daemon_cpu_s_per_minute": self.daemon_cpu_s_per_minute,
            "capture_cpu_s_per_minute": self.capture_cpu_s_per_minute,
            "frames_per_s": self.frames_per_s,
            "rss_bytes": {process.what: process.rss_bytes for process in self.processes},
            "frames_bytes": self.frames_bytes,
            "resident_bytes": self.resident_bytes,
        }


def measure_streams(seconds: float, words: Sequence[str] = SERVICE) -> list[StreamFigures]:
    """Run the daemon in each mode for `seconds`. Raises: RuntimeError when it cannot be done.

    Args:    words: what Python is to run, before the configuration's path.
    """
    reason = why_no_rtsp()
    if reason:
        raise RuntimeError(reason)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = make_clip(folder / "scene.h264", size="1280x720", seconds=10, gop=50, kbps=2000)
        limit_s = round(len(MODES) * (seconds + START_S + SETTLE_S))
        with RtspServer(clip, seconds=limit_s) as server:
            return [
                _measure_one(mode, keyframes_only, server.url, folder, seconds, words)
                for mode, keyframes_only in MODES.items()
            ]


def _measure_one(
    mode: str,
    keyframes_only: bool,
    url: str,
    folder: Path,
    seconds: float,
    words: Sequence[str],
) -> StreamFigures:
    config = folder / f"{keyframes_only}.toml"
    config.write_text(
        f'[camera]\nkind = "rtsp"\nsource = "{url}"\n'
        f"keyframes_only = {str(keyframes_only).lower()}\n"
        f'[store]\nfolder = "{keyframes_only}"\n[web]\nport = 0\n'
    )
    log = folder / f"{keyframes_only}.log"
    with log.open("wb") as lines:
        daemon = subprocess.Popen(
            [sys.executable, *words, str(config)],
            stdout=subprocess.DEVNULL,
            stderr=lines,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    try:
        _await_frames(daemon, log)
        time.sleep(SETTLE_S)
        pids = {"daemon": daemon.pid, "capture": _child_of(daemon.pid)}
        start_s, before = time.monotonic(), {who: _cpu_s(pid) for who, pid in pids.items()}
        time.sleep(seconds)
        took_s = time.monotonic() - start_s
        cpu = {who: 60 * (_cpu_s(pid) - before[who]) / took_s for who, pid in pids.items()}
        memory = tuple(_memory(who, pid) for who, pid in pids.items())
        shared = _frames_bytes(daemon.pid)
        total_s = time.monotonic()
    finally:
        daemon.terminate()
        daemon.wait(30)
    frames = _frames_from_log(log)
    return StreamFigures(
        mode,
        took_s,
        sum(cpu.values()),
        cpu["daemon"],
        cpu["capture"],
        frames / (total_s - start_s + SETTLE_S),
        memory,
        shared,
    )


def _await_frames(daemon: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + START_S
    while "frames of 1280x720 pixels" not in log.read_text():
        if time.monotonic() > end_s or daemon.poll() is not None:
            raise RuntimeError(f"the daemon showed no frame:\n{log.read_text()}")
        time.sleep(0.1)


def _frames_from_log(log: Path) -> int:
    """Read the count of frames that the daemon logs when it ends."""
    _, _, rest = log.read_text().rpartition(": frames ")
    return int(rest.partition(",")[0])


def _child_of(pid: int) -> int:
    """Return the capture process of a daemon: its only child."""
    children = [
        child
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    if len(children) != 1:
        raise RuntimeError(f"expected one capture process, found {len(children)}")
    return int(children[0])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S  # utime, stime


def _memory(what: str, pid: int) -> ProcessMemory:
    """Add up /proc/PID/smaps: one entry for each mapping, its pages in KiB."""
    anonymous, files, mapping = 0, {}, ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word, *values = line.split()
        if not word.endswith(":"):  # addresses, permissions, offset, device, inode, path
            mapping = " ".join(values[1:])
        elif word == "Rss:":
            files[mapping] = files.get(mapping, 0) + int(values[0]) * 1024
        elif word == "Anonymous:":
            files[mapping] -= int(values[0]) * 1024
            anonymous += int(values[0]) * 1024
    return ProcessMemory(what, anonymous, files)


def _frames_bytes(pid: int) -> int:
    """Return what the frames between the processes take: the memory file's pages."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if "memfd:edgecls" in str(link.readlink()):
            return link.stat().st_blocks * 512
    raise RuntimeError("the daemon holds no memory file for frames")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="per mode")
    parser.add_argument("--run", action="store_true", help="edgecls run, not the service")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure_streams(options.seconds, RUN if options.run else SERVICE)
    if options.json:
        print(json.dumps({"schema": 1, "runs": [run.as_json() for run in figures]}))
        return 0
    for run in figures:
        print(
            f"{run.mode}: {run.cpu_s_per_minute:.2f} CPU s per minute (daemon "
            f"{run.daemon_cpu_s_per_minute:.2f}, capture {run.capture_cpu_s_per_minute:.2f}), "
            f"{run.frames_per_s:.1f} frames per s"
        )
        for process in run.processes:
            print(f"  {process.what}: {process.rss_bytes / 1e6:.0f} MB RSS")
        print(
            f"  frames between them: {run.frames_bytes / 1e6:.0f} MB; together, shared libraries "
            f"counted once: {run.resident_bytes / 1e6:.0f} MB"
        )
    every, keys = figures
    if every.too_busy:
        print("other work kept the daemon from decoding every frame: measure again")
    print(f"key frames only needs {keys.cpu_s_per_minute / every.cpu_s_per_minute:.0%} of the CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
