"""Write files so that a power cut leaves the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_atomic(
    path: Path, data: bytes, *, mode: int = 0o644, step: Callable[[str], None] | None = None
) -> None:
    """Replace `path` by `data`: temporary file, fsync, rename, fsync of the folder.

    Args:    step: is told the name of each step just before it is taken; crash tests die there.
    Raises:  OSError as the system gives it (ENOSPC, EACCES); the old file is then untouched.
    """
    tell = step or (lambda _: None)
    tell("create the temporary file")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            tell("fsync the file")
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        tell("rename")
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    tell("fsync the folder")
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make renames and new names inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
