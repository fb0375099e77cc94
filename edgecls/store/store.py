"""The writing side of the store: visits and events, on disk before a call returns."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType

from typing_extensions import Self

from edgecls.errors import StoreError
from edgecls.sections.store import StoreSection
from edgecls.store import retention
from edgecls.store.database import (
    FILE_NAME,
    Migration,
    is_disk_full,
    migrations,
    open_for_writing,
    store_errors,
    transaction,
)
from edgecls.store.lock import FolderLock
from edgecls.store.rows import us_from_datetime, visit_from_row
from edgecls.store.snapshots import Snapshots
from edgecls.types import Visit

log = logging.getLogger(__name__)


class Store:
    """The one writer of a store's folder; opened by entering it, used by one thread.

    A JPEG is durable before the rows that name it are written, and the rows of one call are one
    transaction. What a call has returned survives a power cut.

    Args:    step: is told the name of each step of a write just before it is taken.
             schema: the migrations, in order; the package's own if left out.
             clock: monotonic seconds, to notice when the wall clock jumps.
    """

    def __init__(
        self,
        section: StoreSection,
        *,
        step: Callable[[str], None] | None = None,
        schema: Sequence[Migration] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._section = section
        self._step = step or (lambda _: None)
        self._schema = schema
        self._time = retention.SteadyTime(clock)
        self._snapshots = Snapshots(section.folder / "snapshots", step=step)
        self._lock: FolderLock | None = None
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        """Lock, open and tidy up what an earlier run left.

        Raises:  StoreError: in use, damaged, of a newer edgecls, or not writable.
        """
        folder = self._section.folder
        with store_errors(f"cannot use {folder} as a store"):
            self._snapshots.create()
            self._lock = FolderLock(folder)
        try:
            self._database = open_for_writing(folder / FILE_NAME, self._schema or migrations())
            with store_errors(f"cannot tidy up {folder}"):
                self._remove_orphans()  # first: on a full disk it makes room for the next
                self._end_interrupted()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and give the folder back. May be called twice."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def start_visit(self, camera: str, *, at: datetime, score: float, jpeg: bytes) -> Visit:
        """Store that somebody arrived, and the event that says so.

        Raises:  StoreError, for example when the disk is full even after old snapshots went.
        """
        return self._with_room(lambda: self._start_visit(camera, at, score, jpeg))

    def end_visit(
        self,
        visit_id: int,
        *,
        at: datetime,
        score: float,
        jpeg: bytes | None,
        interrupted: bool = False,
    ) -> Visit:
        """Store that a visit has ended, and the event that says so.

        Args:    score: the peak.   jpeg: a better snapshot than the first one, or None.
        Raises:  StoreError as `start_visit`, and for a visit that is not open.
        """
        return self._with_room(lambda: self._end_visit(visit_id, at, score, jpeg, interrupted))

    def sweep(self, *, now: datetime) -> retention.Swept:
        """Delete what is too old or too much, oldest first; never a visit that lasts.

        Age counts once `now` has been steady for an hour of calls: see `retention.SteadyTime`.
        """
        trusted = now if self._time.trusted(now) else None
        with store_errors(f"cannot clean up {self._section.folder}"):
            return retention.sweep(self._open_database, self._snapshots, self._section, now=trusted)

    @property
    def _open_database(self) -> sqlite3.Connection:
        if self._database is None:
            raise RuntimeError("the store is not open: use it in a with statement")
        return self._database

    def _with_room(self, write: Callable[[], Visit]) -> Visit:
        """Write; when the disk is full, delete the oldest snapshots and try once more."""
        with store_errors(f"cannot write to {self._section.folder}"):
            try:
                return write()
            except (OSError, sqlite3.Error) as error:
                if isinstance(error, StoreError) or not is_disk_full(error):
                    raise
                swept = retention.sweep(
                    self._open_database, self._snapshots, self._section, now=None
                )
                if not swept.snapshots:
                    raise
                log.info("disk full: removed %d old snapshots", swept.snapshots)
                return write()

    def _start_visit(self, camera: str, at: datetime, score: float, jpeg: bytes) -> Visit:
        database = self._open_database
        name = self._snapshots.write(jpeg, at=at)
        try:
            with transaction(database):
                self._step("insert the visit")
                cursor = database.execute(
                    "INSERT INTO visits (camera, started_us, peak_score, snapshot, snapshot_bytes)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (camera, us_from_datetime(at), score, name, len(jpeg)),
                )
                visit_id = cursor.lastrowid
                self._step("insert the first event")
                self._insert_event("visit_started", camera, at, visit_id, score)
                self._step("commit the start")
        except BaseException:
            self._snapshots.remove([name])
            raise
        self._step("return from the start")
        return self._visit(visit_id)

    def _end_visit(
        self, visit_id: int, at: datetime, score: float, jpeg: bytes | None, interrupted: bool
    ) -> Visit:
        database = self._open_database
        before = self._visit(visit_id)
        if before.ended_at is not None:
            raise StoreError(f"visit {visit_id} has ended already, expected an open one")
        end = max(at, before.started_at)
        name = None if jpeg is None else self._snapshots.write(jpeg, at=at)
        try:
            with transaction(database):
                self._step("update the visit")
                database.execute(
                    "UPDATE visits SET ended_us = ?, peak_score = ?, interrupted = ? WHERE id = ?",
                    (us_from_datetime(end), score, interrupted, visit_id),
                )
                if jpeg is not None:
                    database.execute(
                        "UPDATE visits SET snapshot = ?, snapshot_bytes = ? WHERE id = ?",
                        (name, len(jpeg), visit_id),
                    )
                self._step("insert the last event")
                self._insert_event("visit_ended", before.camera, end, visit_id, score)
                self._step("commit the end")
        except BaseException:
            self._snapshots.remove([name] if name else [])
            raise
        self._step("remove the first snapshot")
        if name is not None and before.snapshot is not None:
            self._snapshots.remove([before.snapshot])
        return self._visit(visit_id)

    def _insert_event(
        self, kind: str, camera: str, at: datetime, visit_id: int | None, score: float
    ) -> None:
        self._open_database.execute(
            "INSERT INTO events (kind, camera, at_us, visit_id, score) VALUES (?, ?, ?, ?, ?)",
            (kind, camera, us_from_datetime(at), visit_id, score),
        )

    def _visit(self, visit_id: int | None) -> Visit:
        row = self._open_database.execute(
            "SELECT * FROM visits WHERE id = ?", (visit_id,)
        ).fetchone()
        if row is None:
            raise StoreError(f"no visit {visit_id}, expected one that start_visit gave")
        return visit_from_row(row)

    def _end_interrupted(self) -> None:
        """Close visits that an earlier run left open; nobody knows more than their begin."""
        database = self._open_database
        with transaction(database):
            rows = database.execute("SELECT * FROM visits WHERE ended_us IS NULL").fetchall()
            for row in rows:
                visit = visit_from_row(row)
                database.execute(
                    "UPDATE visits SET ended_us = started_us, interrupted = 1 WHERE id = ?",
                    (visit.id,),
                )
                self._insert_event(
                    "visit_ended", visit.camera, visit.started_at, visit.id, visit.peak_score
                )
        if rows:
            log.info("ended %d visits that an earlier run left open", len(rows))

    def _remove_orphans(self) -> None:
        rows = self._open_database.execute(
            "SELECT snapshot FROM visits WHERE snapshot IS NOT NULL"
        ).fetchall()
        removed = self._snapshots.remove_all_but({row["snapshot"] for row in rows})
        if removed:
            log.info("removed %d files that an interrupted write left", removed)
