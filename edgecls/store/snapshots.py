"""The JPEG files of a store: a flat folder of names that sort by time."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path

from edgecls._lib.files import fsync_folder, write_atomic

log = logging.getLogger(__name__)

NAME = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{8}\.jpg")


class Snapshots:
    """Write, read and remove JPEG files by plain names.

    Args:    folder: made if missing.   step: is told each step of a write before it is taken;
             crash tests die there.
    """

    def __init__(self, folder: Path, *, step: Callable[[str], None] | None = None) -> None:
        self.folder = folder
        self._step = step

    def create(self) -> None:
        """Make the folder, durably; who shares this machine does not see the pictures."""
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True)
            fsync_folder(self.folder.parent)

    def write(self, jpeg: bytes, *, at: datetime) -> str:
        """Write `jpeg` under a new name and return the name once it is durable."""
        stamp = at.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%S%f")[:-3]
        name = f"{stamp}Z-{secrets.token_hex(4)}.jpg"
        write_atomic(self.folder / name, jpeg, step=self._step)
        return name

    def read(self, name: str) -> bytes | None:
        """Return the JPEG; None when it is gone or `name` is no name that `write` gives."""
        if not NAME.fullmatch(name):
            return None
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def names(self) -> set[str]:
        """Return the names of all files that `write` made and that are still there."""
        return {path.name for path in self.folder.iterdir() if NAME.fullmatch(path.name)}

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; one that is gone already is fine.

        One that cannot be removed is left to the next start, which removes what no row names: the
        rows are changed by now, and a failure here would have them changed again.
        """
        for name in names:
            if NAME.fullmatch(name):
                try:
                    (self.folder / name).unlink(missing_ok=True)
                except OSError as error:
                    log.warning("cannot remove %s: %s", self.folder / name, error)

    def remove_all_but(self, wanted: set[str]) -> int:
        """Remove what a power cut left behind: files no row names, and temporary files."""
        removed = 0
        for path in self.folder.iterdir():
            temporary = path.name.startswith(".") and path.name.endswith(".tmp")
            if temporary or (NAME.fullmatch(path.name) and path.name not in wanted):
                path.unlink(missing_ok=True)
                removed += 1
        return removed
