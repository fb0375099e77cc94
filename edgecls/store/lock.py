"""One daemon per store: a lock on a file in the folder, gone with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from edgecls.errors import StoreError

FILE_NAME = "lock"


class FolderLock:
    """Hold the folder's lock from creation to `release`.

    Raises:  StoreError naming the other process when the folder is in use.
    """

    def __init__(self, folder: Path) -> None:
        descriptor = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise StoreError(
                f"{folder} is in use by another edgecls daemon (pid {holder or 'unknown'})",
                hint="stop that one, or give this one a folder of its own: --store FOLDER",
            ) from error
        except OSError:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the folder back. The file stays: removing it would let two daemons in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
