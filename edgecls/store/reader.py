"""The reading side of the store, for the page: a connection of its own beside the writer."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from edgecls.store.database import FILE_NAME, open_for_reading, store_errors
from edgecls.store.outbox import STATES, states
from edgecls.store.rows import (
    EVENTS,
    TALLIES,
    VISITS,
    datetime_from_us,
    event_from_row,
    tally_from_row,
    us_from_datetime,
    visit_from_row,
)
from edgecls.store.snapshots import Snapshots
from edgecls.types import Event, SinkState, StoredFrame, Visit, VisitTally

ONLY = {"kept": "kept = 1", "pressed": "pressed = 1", "corrected": "correction IS NOT NULL"}
COUNT = "SELECT count(*) AS visits FROM visits"
BYTES = (
    "SELECT (SELECT total(snapshot_bytes) FROM visits) + (SELECT total(bytes) FROM frames)"
    " + (SELECT total(snapshot_bytes) FROM events) AS bytes"
)


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

    def visits(
        self,
        *,
        limit: int,
        before_id: int | None = None,
        day: date | None = None,
        camera: str | None = None,
        only: str | None = None,
    ) -> Sequence[Visit]:
        """Return the newest visits first; `before_id` pages back.

        Args:    day: those that began on this day, in this machine's time zone.
                 only: a key of ONLY.
        """
        where, values = _filtered("visits.started_us", day, camera)
        if only is not None:
            where.append(ONLY[only])
        return [
            visit_from_row(row)
            for row in self._newest(VISITS, "id", where, values, before_id, limit)
        ]

    def visit(self, visit_id: int) -> Visit | None:
        """Return one visit; None when there is no such id, or no longer."""
        rows = self._rows(f"{VISITS} WHERE id = ?", (visit_id,))
        return visit_from_row(rows[0]) if rows else None

    def visits_on(self, day: date, *, camera: str | None = None) -> int:
        """Return how many visits began on `day`, in this machine's time zone."""
        where, values = _filtered("visits.started_us", day, camera)
        rows = self._rows(f"{COUNT} WHERE {' AND '.join(where)}", values)
        return int(rows[0]["visits"])

    def tallies(self) -> Sequence[VisitTally]:
        """Return what there is of each camera's visits, by the cameras' names.

        Kept visits from before the oldest that is not kept are told apart: see `VisitTally`.
        """
        return [tally_from_row(row) for row in self._rows(TALLIES, ())]

    def frames(self, visit_id: int) -> Sequence[StoredFrame]:
        """Return the further pictures of a visit, oldest first."""
        rows = self._rows("SELECT * FROM frames WHERE visit_id = ? ORDER BY id", (visit_id,))
        return [StoredFrame(row["file"], datetime_from_us(row["at_us"])) for row in rows]

    def presses(
        self,
        *,
        limit: int,
        before_id: int | None = None,
        day: date | None = None,
        camera: str | None = None,
    ) -> Sequence[Event]:
        """Return the newest presses first; filters as `visits`, ids of events."""
        where, values = _filtered("events.at_us", day, camera)
        where.append("kind = 'pressed'")
        rows = self._newest(EVENTS, "events.id", where, values, before_id, limit)
        return [event_from_row(row) for row in rows]

    def happenings(self, *, limit: int, before_id: int | None = None) -> Sequence[Event]:
        """Return the newest events that begin or end no visit first; `before_id` pages back."""
        where = ["kind NOT IN ('visit_started', 'visit_ended')"]
        rows = self._newest(EVENTS, "events.id", where, (), before_id, limit)
        return [event_from_row(row) for row in rows]

    def events(self, *, after_id: int = 0, limit: int = 100) -> Sequence[Event]:
        """Return events in the order they happened, from the one after `after_id` on."""
        rows = self._rows(
            f"{EVENTS} WHERE events.id > ? ORDER BY events.id LIMIT ?", (after_id, limit)
        )
        return [event_from_row(row) for row in rows]

    def outbox_state(self) -> Sequence[SinkState]:
        """Return what waits and what was given up, for each sink that has any of it."""
        return states(self._rows(STATES, ()))

    def snapshot(self, name: str) -> bytes | None:
        """Return a JPEG by the name a visit gives; None when it is gone or no such name."""
        with store_errors("cannot read a snapshot"):
            return self._snapshots.read(name)

    def bytes_used(self) -> int:
        """Return what snapshots and database need on the disk."""
        total = self._rows(BYTES, ())[0]["bytes"]
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):  # SQLite removes the last two when it likes
                total += (self.folder / f"{FILE_NAME}{end}").stat().st_size
        return int(total)

    def _newest(
        self,
        select: str,
        key: str,
        where: Sequence[str],
        values: Sequence[int | str],
        before_id: int | None,
        limit: int,
    ) -> list[sqlite3.Row]:
        """Return rows whose `key` is below `before_id`, the newest first."""
        last = 2**63 - 1 if before_id is None else before_id
        conditions = " AND ".join([*where, f"{key} < ?"])
        return self._rows(
            f"{select} WHERE {conditions} ORDER BY {key} DESC LIMIT ?", (*values, last, limit)
        )

    def _rows(self, sql: str, values: Sequence[int | str]) -> list[sqlite3.Row]:
        with self._turn, store_errors(f"cannot read {self.folder}"):
            if self._database is None:
                raise RuntimeError("the reader is not open: use it in a with statement")
            return self._database.execute(sql, values).fetchall()


def _filtered(
    column: str, day: date | None, camera: str | None
) -> tuple[list[str], list[int | str]]:
    """Return the conditions of a filter, and their values.

    Args:    column: that of the time, as table.column.
    """
    where: list[str] = []
    values: list[int | str] = []
    if day is not None:
        first = datetime.combine(day, time.min).astimezone()  # astimezone: this machine's zone
        last = datetime.combine(day + timedelta(days=1), time.min).astimezone()
        where.append(f"{column} >= ? AND {column} < ?")
        values += [us_from_datetime(first), us_from_datetime(last)]
    if camera is not None:
        where.append(f"{column.partition('.')[0]}.camera = ?")
        values.append(camera)
    return where, values
