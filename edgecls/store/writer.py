"""What every write of the store is made of: its database, its files, its steps, its sinks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from edgecls.errors import StoreError
from edgecls.store import outbox
from edgecls.store.rows import EVENTS, VISITS, event_from_row, us_from_datetime, visit_from_row
from edgecls.store.snapshots import Snapshots
from edgecls.types import Event, Visit


@dataclass(frozen=True, slots=True)
class Writer:
    """An open store, for the functions that write to it.

    Args:    step: is told the name of each step just before it is taken.
             sinks: the names of those that are told of each new event.
    """

    database: sqlite3.Connection
    snapshots: Snapshots
    step: Callable[[str], None]
    sinks: tuple[str, ...]

    def insert_event(
        self,
        kind: str,
        camera: str,
        at: datetime,
        *,
        visit_id: int | None = None,
        score: float | None = None,
        snapshot: str | None = None,
        snapshot_bytes: int = 0,
        somebody: bool | None = None,
        detail: str | None = None,
        tell: bool = True,
    ) -> int:
        """Insert an event and its outbox rows, inside the caller's transaction; return its id.

        Args:    tell: let the sinks have it; in quiet hours, visits are kept and not told.
        """
        cursor = self.database.execute(
            "INSERT INTO events (kind, camera, at_us, visit_id, score, snapshot, snapshot_bytes,"
            " somebody, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (kind, camera, us_from_datetime(at), visit_id, score, snapshot, snapshot_bytes,
             somebody, detail),
        )  # fmt: skip
        event_id = int(cursor.lastrowid or 0)
        if self.sinks and tell:
            self.step("insert the outbox rows")
            outbox.add(self.database, self.sinks, event_id)
        return event_id

    def visit(self, visit_id: int | None) -> Visit:
        """Return a visit. Raises: StoreError if there is none of this id."""
        row = self.database.execute(f"{VISITS} WHERE id = ?", (visit_id,)).fetchone()
        if row is None:
            raise StoreError(f"no visit {visit_id}, expected one that start_visit gave")
        return visit_from_row(row)

    def event(self, event_id: int) -> Event:
        """Return an event that was just written."""
        row = self.database.execute(f"{EVENTS} WHERE events.id = ?", (event_id,)).fetchone()
        return event_from_row(row)
