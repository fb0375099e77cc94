"""The reading side of the store, for the page: a connection of its own beside the writer."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from edgecls.store.database import FILE_NAME, open_for_reading, store_errors
from edgecls.store.rows import event_from_row, visit_from_row
from edgecls.store.snapshots import Snapshots
from edgecls.types import Event, Visit


class StoreReader:
    """Read a store that a `Store` has made; may be shared by threads.

    Raises:  StoreError on entering where there is no store, and when reading fails.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._snapshots = Snapshots(folder / "snapshots")
        self._database: sqlite3.Connection | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        self._database = open_for_reading(self.folder / FILE_NAME)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._turn:
            if self._database is not None:
                self._database.close()
                self._database = None

    def visits(self, *, limit: int, before_id: int | None = None) -> Sequence[Visit]:
        """Return the newest visits first; `before_id` pages back."""
        rows = self._rows(
            "SELECT * FROM visits WHERE id < ? ORDER BY id DESC LIMIT ?",
            (2**63 - 1 if before_id is None else before_id, limit),
        )
        return [visit_from_row(row) for row in rows]

    def visit(self, visit_id: int) -> Visit | None:
        """Return one visit; None when there is no such id, or no longer."""
        rows = self._rows("SELECT * FROM visits WHERE id = ?", (visit_id,))
        return visit_from_row(rows[0]) if rows else None

    def events(self, *, after_id: int = 0, limit: int = 100) -> Sequence[Event]:
        """Return events in the order they happened, from the one after `after_id` on."""
        rows = self._rows(
            "SELECT events.*, visits.snapshot FROM events LEFT JOIN visits"
            " ON visits.id = events.visit_id WHERE events.id > ? ORDER BY events.id LIMIT ?",
            (after_id, limit),
        )
        return [event_from_row(row) for row in rows]

    def snapshot(self, name: str) -> bytes | None:
        """Return a JPEG by the name a visit gives; None when it is gone or no such name."""
        with store_errors("cannot read a snapshot"):
            return self._snapshots.read(name)

    def bytes_used(self) -> int:
        """Return what snapshots and database need on the disk."""
        total = self._rows("SELECT total(snapshot_bytes) AS bytes FROM visits", ())[0]["bytes"]
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):  # SQLite removes the last two when it likes
                total += (self.folder / f"{FILE_NAME}{end}").stat().st_size
        return int(total)

    def _rows(self, sql: str, values: tuple[int, ...]) -> list[sqlite3.Row]:
        with self._turn, store_errors(f"cannot read {self.folder}"):
            if self._database is None:
                raise RuntimeError("the reader is not open: use it in a with statement")
            return self._database.execute(sql, values).fetchall()
