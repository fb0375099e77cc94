"""The writing side of the store: visits, events and the outbox, on disk before a call returns."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import TypeVar

from typing_extensions import Self

from edgecls.errors import StoreError
from edgecls.sections.store import StoreSection
from edgecls.store import events, outbox, retention, visits
from edgecls.store.clock import BootClock, SteadyTime
from edgecls.store.database import (
    FILE_NAME,
    Migration,
    is_disk_full,
    migrations,
    open_for_writing,
    shrink_journal,
    store_errors,
    transaction,
)
from edgecls.store.lock import FolderLock
from edgecls.store.outbox import Undelivered
from edgecls.store.snapshots import Snapshots
from edgecls.store.writer import Writer
from edgecls.types import CORRECTIONS, Event, Visit

log = logging.getLogger(__name__)

T = TypeVar("T")


class Store:
    """The one writer of a store's folder; opened by entering it. Threads take turns inside.

    A JPEG is durable before the rows that name it are written, and the rows of one call are one
    transaction. What a call has returned survives a power cut. Every event waits in the outbox for
    each of the sinks until that sink has taken it.

    Args:    sinks: names of those who are told of every event.
             step: is told the name of each step of a write just before it is taken.
             schema: the migrations, in order; the package's own if left out.
             clock: monotonic seconds, to notice when the wall clock jumps.
             boot: corrects the times of this boot's rows when it does.
    """

    def __init__(
        self,
        section: StoreSection,
        *,
        sinks: Sequence[str] = (),
        step: Callable[[str], None] | None = None,
        schema: Sequence[Migration] | None = None,
        clock: Callable[[], float] = time.monotonic,
        boot: BootClock | None = None,
    ) -> None:
        self._section = section
        self._boot = boot or BootClock()
        self._sinks = tuple(sinks)
        self._step = step or (lambda _: None)
        self._schema = schema
        self._time = SteadyTime(clock)
        self._snapshots = Snapshots(section.folder / "snapshots", step=step)
        self._turn = threading.RLock()
        self.on_event: Callable[[], None] = lambda: None
        """Called after each event that was stored; set it before the events come."""
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
                ended = self._with_room(self._tidy_up)
        except BaseException:
            self.close()
            raise
        if ended:
            log.info("ended %d visits that an earlier run left open", ended)
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
        with self._turn:
            if self._database is not None:
                self._database.close()
                self._database = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def start_visit(
        self,
        camera: str,
        *,
        at: datetime,
        score: float,
        jpeg: bytes,
        light: str = "day",
        tell: bool = True,
    ) -> Visit:
        """Store that somebody arrived, and the event that says so.

        Args:    light: "day" or "night".   tell: let the sinks have the event.
        Raises:  StoreError, for example when the disk is full even after old snapshots went.
        """
        return self._with_event(
            lambda: visits.start(
                self._writer, camera, self._boot.corrected(at), score, jpeg,
                light=light, tell=tell,
            )
        )  # fmt: skip

    def add_frame(self, visit_id: int, *, at: datetime, jpeg: bytes) -> str:
        """Store a further picture of a visit; return its file name. Raises: StoreError."""
        return self._with_room(
            lambda: visits.add_frame(self._writer, visit_id, self._boot.corrected(at), jpeg)
        )

    def end_visit(
        self,
        visit_id: int,
        *,
        at: datetime,
        score: float,
        jpeg: bytes | None,
        interrupted: bool = False,
        tell: bool = True,
    ) -> Visit:
        """Store that a visit has ended, and the event that says so.

        Args:    score: the peak.   jpeg: a better snapshot than the first one, or None.
                 tell: let the sinks have the event.
        Raises:  StoreError as `start_visit`, and for a visit that is not open.
        """
        return self._with_event(
            lambda: visits.end(
                self._writer,
                visit_id,
                self._boot.corrected(at),
                score,
                jpeg,
                interrupted=interrupted,
                tell=tell,
            )
        )

    def add_event(
        self,
        kind: str,
        *,
        camera: str,
        at: datetime,
        score: float | None = None,
        jpeg: bytes | None = None,
        somebody: bool | None = None,
        detail: str | None = None,
    ) -> Event:
        """Store an event that begins or ends no visit: one of EVENT_KINDS but the first two.

        A press that falls into a visit of its camera marks that visit, and belongs to it.

        Raises:  StoreError as `start_visit`.
        """
        return self._with_event(
            lambda: events.add(
                self._writer, kind, camera, self._boot.corrected(at),
                score=score, jpeg=jpeg, somebody=somebody, detail=detail,
            )
        )  # fmt: skip

    def keep(self, visit_id: int, kept: bool) -> Visit:
        """Let a visit be the last to be deleted, or no longer. Raises: StoreError if unknown."""
        return self._with_room(lambda: visits.keep(self._writer, visit_id, kept))

    def correct(self, visit_id: int, label: str | None) -> Visit:
        """Note what a person says was there: one of CORRECTIONS, None to take it back.

        Raises:  StoreError if there is no such visit.   ValueError for another label.
        """
        if label is not None and label not in CORRECTIONS:
            raise ValueError(f"unknown label {label!r}, expected one of {', '.join(CORRECTIONS)}")
        return self._with_room(lambda: visits.correct(self._writer, visit_id, label))

    def delete_visit(self, visit_id: int) -> None:
        """Delete a visit with its events and pictures, kept or not.

        Raises:  StoreError if there is no such visit, or it lasts still.
        """
        self._with_room(lambda: visits.delete(self._writer, visit_id))

    def undelivered(self, sink: str) -> Undelivered | None:
        """Return the oldest event that waits for a sink; None when nothing does."""
        with self._turn, store_errors(f"cannot read {self._section.folder}"):
            return outbox.first(self._open_database, sink)

    def delivered(self, sink: str, event_id: int) -> None:
        """Strike an event out of a sink's outbox: the sink has taken it."""
        self._with_room(lambda: self._in_transaction(outbox.remove, sink, event_id))

    def not_delivered(
        self, sink: str, event_id: int, *, error: str, dead: bool, counts: bool = True
    ) -> None:
        """Note a failed delivery; a dead one is not tried again until it is put back.

        Args:    counts: as one of the event's attempts; not while nobody is there to take it.
        """
        self._with_room(
            lambda: self._in_transaction(
                outbox.failed, sink, event_id, error=error, dead=dead, counts=counts
            )
        )

    def requeue(self, sink: str) -> int:
        """Put back what was given up for a sink; return how many events."""
        return self._with_event(lambda: self._in_transaction(outbox.requeue, sink))

    def snapshot(self, name: str) -> bytes | None:
        """Return a JPEG by the name that an event gives; None when it is gone."""
        with store_errors("cannot read a snapshot"):
            return self._snapshots.read(name)

    def reload(self, section: StoreSection) -> None:
        """Keep to other budgets from now on; the folder stays."""
        with self._turn:
            self._section = section.model_copy(update={"folder": self._section.folder})

    def sweep(self, *, now: datetime) -> retention.Swept:
        """Delete what is too old or too much, oldest first; never a visit that lasts.

        Age counts once `now` has been steady for an hour of calls: see `clock.SteadyTime`.
        """
        with self._turn, store_errors(f"cannot clean up {self._section.folder}"):
            self._boot.check(self._open_database)
            trusted = now if self._time.trusted(now) else None
            return retention.sweep(self._writer, self._section, now=trusted)

    @property
    def _open_database(self) -> sqlite3.Connection:
        if self._database is None:
            raise RuntimeError("the store is not open: use it in a with statement")
        return self._database

    @property
    def _writer(self) -> Writer:
        return Writer(self._open_database, self._snapshots, self._step, self._sinks)

    def _in_transaction(self, change: Callable[..., T], *values: object, **more: object) -> T:
        with transaction(self._open_database):
            self._step("change the outbox")
            return change(self._open_database, *values, **more)

    def _with_event(self, write: Callable[[], T]) -> T:
        """Write as `_with_room`, then say that there is something to tell."""
        written = self._with_room(write)
        self.on_event()
        return written

    def _with_room(self, write: Callable[[], T]) -> T:
        """Write; when the disk is full, make room and try once more."""
        with self._turn, store_errors(f"cannot write to {self._section.folder}"):
            try:
                self._boot.check(self._open_database)
                return write()
            except (OSError, sqlite3.Error) as error:
                if isinstance(error, StoreError) or not is_disk_full(error):
                    raise
                shrink_journal(self._open_database)
                swept = retention.sweep(
                    self._writer, self._section, now=None, room_bytes=retention.ROOM_BYTES
                )
                shrink_journal(self._open_database)  # there was perhaps no room for that before
                log.info("disk full: removed %d old snapshots", swept.snapshots)
                self._boot.check(self._open_database)  # it may be what met the full disk
                return write()

    def _tidy_up(self) -> int:
        """Return how many visits an earlier run left open."""
        retention.forget_missing(self._writer)
        ended = visits.end_interrupted(self._writer)
        self._boot.begin(self._open_database)
        return ended

    def _remove_orphans(self) -> None:
        rows = self._open_database.execute(
            "SELECT snapshot AS file FROM visits WHERE snapshot IS NOT NULL"
            " UNION SELECT snapshot FROM events WHERE snapshot IS NOT NULL"
            " UNION SELECT file FROM frames"
        ).fetchall()
        removed = self._snapshots.remove_all_but({row["file"] for row in rows})
        if removed:
            log.info("removed %d files that an interrupted write left", removed)
