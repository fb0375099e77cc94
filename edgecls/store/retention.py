"""Keep the store inside its budgets: days, bytes, and free space on the disk; oldest first."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from edgecls.sections.store import StoreSection
from edgecls.store.database import is_disk_full, transaction
from edgecls.store.rows import us_from_datetime
from edgecls.store.writer import Writer

log = logging.getLogger(__name__)

ROOM_BYTES = 1_000_000
"""What goes at least when a write met a full disk: a few visits' worth."""

DROP = {
    "visits": "UPDATE visits SET snapshot = NULL, snapshot_bytes = 0 WHERE id = ?",
    "events": "UPDATE events SET snapshot = NULL, snapshot_bytes = 0 WHERE id = ?",
    "frames": "DELETE FROM frames WHERE id = ?",
}
USED = (
    "SELECT (SELECT total(snapshot_bytes) FROM visits) + (SELECT total(bytes) FROM frames)"
    " + (SELECT total(snapshot_bytes) FROM events)"
)
OLD_VISITS = "SELECT id FROM visits WHERE ended_us IS NOT NULL AND NOT kept AND started_us < ?"
FILES_OF_VISIT = "SELECT file FROM pictures WHERE visit_id = ?"
OLD_EVENTS = "SELECT id, snapshot FROM events WHERE visit_id IS NULL AND at_us < ?"
NEXT_TO_GO = "SELECT * FROM pictures ORDER BY rank, place, part"
STORED_FILES = {
    "visits": "SELECT id, snapshot AS file FROM visits WHERE snapshot IS NOT NULL",
    "events": "SELECT id, snapshot AS file FROM events WHERE snapshot IS NOT NULL",
    "frames": "SELECT id, file FROM frames",
}


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted. Args: snapshots: files, those of deleted visits included."""

    visits: int
    snapshots: int


def sweep(
    writer: Writer, section: StoreSection, *, now: datetime | None, room_bytes: int = 0
) -> Swept:
    """Delete visits older than days_max, then the oldest pictures until both budgets are kept.

    A visit that somebody asked to keep never grows too old; only the budgets of bytes can take its
    pictures, after all others. The rows go first and the files after them: a row never names a
    file that is gone. A file that a power cut left behind is removed at the next start.

    Args:    now: None while the time is not to be trusted; then nothing is too old.
             room_bytes: how much to free at least, whatever the budgets say.
    """
    visits, old_files = (0, 0) if now is None else _delete_old(writer, now, section.days_max)
    dropped = _drop_pictures(writer, _chosen(writer, section, room_bytes))
    if visits or old_files or dropped:
        log.info("deleted %d old visits, %d snapshots", visits, old_files + dropped)
    return Swept(visits=visits, snapshots=old_files + dropped)


def forget_missing(writer: Writer) -> int:
    """Let no row name a file that is gone; return how many did.

    That happens where the disk was too full to write down what was deleted to make room.
    """
    there = writer.snapshots.names()
    forgotten = [
        (table, row["id"])
        for table, sql in STORED_FILES.items()
        for row in writer.database.execute(sql)
        if row["file"] not in there
    ]
    if forgotten:
        with transaction(writer.database):
            for table, row_id in forgotten:
                writer.database.execute(DROP[table], (row_id,))
    return len(forgotten)


def _delete_old(writer: Writer, now: datetime, days_max: float) -> tuple[int, int]:
    """Delete what is too old; return how many visits and files."""
    beginning_of_time = datetime.min.replace(tzinfo=timezone.utc)
    oldest = now - timedelta(days=min(days_max, (now - beginning_of_time).days))
    old_us = us_from_datetime(oldest)
    database = writer.database
    visits = [(row["id"],) for row in database.execute(OLD_VISITS, (old_us,))]
    events = database.execute(OLD_EVENTS, (old_us,)).fetchall()
    if not visits and not events:
        return 0, 0
    files = [row["snapshot"] for row in events if row["snapshot"]]
    for visit in visits:
        files += [row["file"] for row in database.execute(FILES_OF_VISIT, visit)]
    with transaction(database):
        writer.step("delete old visits")
        database.executemany("DELETE FROM visits WHERE id = ?", visits)
        writer.step("delete old events")
        database.executemany("DELETE FROM events WHERE id = ?", [(row["id"],) for row in events])
        writer.step("commit the deletion of the old")
    writer.step("remove the files of the old")
    writer.snapshots.remove(files)
    return len(visits), len(files)


def _chosen(writer: Writer, section: StoreSection, room_bytes: int) -> list[sqlite3.Row]:
    """Return the pictures that must go."""
    free_bytes = shutil.disk_usage(writer.snapshots.folder).free
    used_bytes = writer.database.execute(USED).fetchone()[0]
    excess = max(
        used_bytes - section.bytes_max, section.free_bytes_min - free_bytes, float(room_bytes)
    )
    chosen: list[sqlite3.Row] = []
    if excess <= 0:
        return chosen
    for row in writer.database.execute(NEXT_TO_GO):
        if excess <= 0:
            break
        chosen.append(row)
        excess -= row["bytes"]
    return chosen


def _drop_pictures(writer: Writer, chosen: Sequence[sqlite3.Row]) -> int:
    """Delete pictures, not what is known of them; return how many."""
    if not chosen:
        return 0
    files = [row["file"] for row in chosen]
    try:
        _drop_rows(writer, chosen)
    except (OSError, sqlite3.Error) as error:
        if not is_disk_full(error):
            raise
        writer.snapshots.remove(files)  # room first, then the rows: see forget_missing
        _drop_rows(writer, chosen)
    writer.step("remove the dropped files")
    writer.snapshots.remove(files)
    return len(files)


def _drop_rows(writer: Writer, chosen: Sequence[sqlite3.Row]) -> None:
    with transaction(writer.database):
        writer.step("drop the pictures")
        for row in chosen:
            writer.database.execute(DROP[row["held_by"]], (row["id"],))
        writer.step("commit the dropping")
