"""What this process and its children take of the machine."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def memory_bytes(proc: Path = Path("/proc")) -> int:
    """Return what this process and its children, the capture process included, hold in memory.

    Pages that processes share are counted once (proportional set size, PSS); where the kernel does
    not tell, resident sizes are added up, shared pages with each.
    """
    pid = os.getpid()
    children: list[str] = []
    for path in (proc / str(pid) / "task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread ended meanwhile
            children += path.read_text(encoding="ascii").split()
    return sum(_held_bytes(proc / child) for child in (str(pid), *children))


def disk_free_bytes(folder: Path) -> int:
    """Return what an ordinary user may still write to the disk of `folder`; 0 if it is gone."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _held_bytes(folder: Path) -> int:
    try:
        for line in (folder / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return _resident_bytes(folder)
    return 0


def _resident_bytes(folder: Path) -> int:
    try:
        pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0  # it ended meanwhile
    return pages * os.sysconf("SC_PAGE_SIZE")
