"""What machine a figure comes from, and in what state it was: nothing is guessed."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from edgecls import __version__
from edgecls.boards.detect import board_here
from edgecls.boards.host import HostBoard
from edgecls.boards.strain import Strain

LIBRARIES = (
    "ai-edge-litert",
    "tflite-runtime",
    "onnxruntime",
    "tensorrt",
    "numpy",
    "opencv-python-headless",
)
CPU_FLAGS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm", "sve")
"""The instructions that decide how fast int8 is."""


@dataclass(frozen=True, slots=True)
class Device:
    """A machine's fingerprint."""

    board: str
    system: str
    kernel: str
    machine: str
    cpu: str
    cpus: int
    cpu_flags: tuple[str, ...]
    memory_mb: int
    virtual: bool
    power_mode: str | None
    python: str
    libraries: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return {
            "board": self.board,
            "system": self.system,
            "kernel": self.kernel,
            "machine": self.machine,
            "cpu": self.cpu,
            "cpus": self.cpus,
            "cpu_flags": list(self.cpu_flags),
            "memory_mb": self.memory_mb,
            "virtual": self.virtual,
            "power_mode": self.power_mode,
            "python": self.python,
            "libraries": dict(self.libraries),
        }

    def as_line(self) -> str:
        virtual = ", a virtual machine" if self.virtual else ""
        mode = f", power mode {self.power_mode}" if self.power_mode else ""
        return f"{self.cpu}, {self.cpus} CPUs, {self.machine}, {self.system}{virtual}{mode}"


@dataclass(frozen=True, slots=True)
class State:
    """A machine's state at one moment; None where it does not tell.

    Args:    strain: what holds the clock down, by heat or a weak supply.
             throttle_count: times that heat held the clock down.
             busy_s: CPU seconds used by everything since boot.
    """

    temperature_c: float | None
    strain: Strain | None
    throttle_count: int | None
    governor: str | None
    frequency_mhz: float | None
    busy_s: float | None

    @property
    def throttled(self) -> bool | None:
        """Tell whether the clock is held down at this moment."""
        return None if self.strain is None else bool(self.strain.now)

    def as_json(self) -> dict[str, Any]:
        return {
            "temperature_c": self.temperature_c,
            "throttled": self.throttled,
            "governor": self.governor,
            "frequency_mhz": self.frequency_mhz,
        }


class Machine:
    """Read this machine.

    Args:    root: the folder that stands for "/".   board: the one we run on.
    """

    def __init__(self, root: Path = Path("/"), *, board: HostBoard | None = None) -> None:
        self._root = root
        self._board = board or board_here(root)

    def device(self) -> Device:
        identity, info = self._board.identity(), self._text("proc/cpuinfo")
        flags = set((_field(info, "flags") or _field(info, "Features")).split())
        cpu = _field(info, "model name") or _field(info, "Hardware") or identity.machine
        return Device(
            identity.model,
            identity.system,
            platform.release(),
            identity.machine,
            cpu,
            len(os.sched_getaffinity(0)),
            tuple(flag for flag in CPU_FLAGS if flag in flags),
            int((_field(self._text("proc/meminfo"), "MemTotal") or "0").split()[0]) // 1024,
            "hypervisor" in flags,
            self._board.power_mode(),
            platform.python_version(),
            {"edgecls": __version__, **_versions()},
        )

    def state(self) -> State:
        cpu = "sys/devices/system/cpu"
        counts = [
            int(path.read_text())
            for path in (self._root / cpu).glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
        ]
        frequency = self._number(f"{cpu}/cpu0/cpufreq/scaling_cur_freq")
        return State(
            self._board.temperature_c(),
            self._board.strain(),
            sum(counts) if counts else None,
            self._text(f"{cpu}/cpu0/cpufreq/scaling_governor") or None,
            frequency / 1000 if frequency is not None else None,
            self._busy_s(),
        )

    def _busy_s(self) -> float | None:
        """Add up user, nice, system, irq and softirq; not idle nor waiting for a disk."""
        words = self._text("proc/stat").partition("\n")[0].split()
        if len(words) < 8:
            return None
        ticks = [int(word) for word in words[1:8]]
        return (sum(ticks[:3]) + sum(ticks[5:7])) / os.sysconf("SC_CLK_TCK")

    def _number(self, path: str) -> float | None:
        try:
            return float(self._text(path))
        except ValueError:
            return None

    def _text(self, path: str) -> str:
        try:
            return (self._root / path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""


def _field(text: str, name: str) -> str:
    """Return the value of the first "name : value" line."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _versions() -> dict[str, str]:
    return {name: version for name in LIBRARIES if (version := _version(name))}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
