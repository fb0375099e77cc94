"""Describe the machine a figure was taken on: without it a figure means nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from scripts.measuring.section import table

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    "ai-edge-litert",
    "onnxruntime",
    "opencv-python-headless",
    "numpy",
    "pydantic",
    "typer",
    "av",
    "starlette",
)


def describe_machine() -> str:
    """Return a Markdown table: processor, system, libraries, commit, date."""
    libraries = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    load = os.getloadavg()[0]
    return table(
        ["what", "value"],
        [
            ["date", datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")],
            ["commit", _commit()],
            ["processor", f"{_processor()}, {len(os.sched_getaffinity(0))} cores usable"],
            ["memory", f"{_memory_bytes() / 2**30:.0f} GiB"],
            ["system", f"{_system()}, Linux {platform.release()}, {platform.machine()}"],
            ["load at the start", f"{load:.1f} (other work on the same cores makes times longer)"],
            ["Python", platform.python_version()],
            ["libraries", libraries],
        ],
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return "Linux"


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "not a git checkout"
