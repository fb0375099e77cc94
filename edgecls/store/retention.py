"""Keep the store inside its budgets: days, bytes, and free space on the disk; oldest first."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from edgecls.config import StoreSection
from edgecls.store.database import transaction
from edgecls.store.rows import us_from_datetime
from edgecls.store.snapshots import Snapshots

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted."""

    visits: int
    snapshots: int


def sweep(
    database: sqlite3.Connection, snapshots: Snapshots, section: StoreSection, *, now: datetime
) -> Swept:
    """Delete visits older than days_max, then the oldest snapshots until both budgets are kept.

    The rows go first and the files after them: a row never names a file that is gone. A file that
    a power cut left behind is removed at the next start.
    """
    oldest_us = us_from_datetime(now - timedelta(days=section.days_max))
    old = database.execute(
        "SELECT id, snapshot FROM visits WHERE ended_us IS NOT NULL AND started_us < ?",
        (oldest_us,),
    ).fetchall()
    old_names = [row["snapshot"] for row in old if row["snapshot"]]
    if old:
        with transaction(database):
            database.executemany("DELETE FROM visits WHERE id = ?", [(row["id"],) for row in old])
        snapshots.remove(old_names)

    free_bytes = shutil.disk_usage(snapshots.folder).free
    used_bytes = database.execute("SELECT total(snapshot_bytes) FROM visits").fetchone()[0]
    excess = max(used_bytes - section.bytes_max, section.free_bytes_min - free_bytes)
    chosen: list[tuple[int, str]] = []
    if excess > 0:
        for row in database.execute(
            "SELECT id, snapshot, snapshot_bytes FROM visits"
            " WHERE snapshot IS NOT NULL AND ended_us IS NOT NULL ORDER BY id"
        ):
            if excess <= 0:
                break
            chosen.append((row["id"], row["snapshot"]))
            excess -= row["snapshot_bytes"]
    if chosen:
        with transaction(database):
            database.executemany(
                "UPDATE visits SET snapshot = NULL, snapshot_bytes = 0 WHERE id = ?",
                [(visit_id,) for visit_id, _ in chosen],
            )
        snapshots.remove([name for _, name in chosen])
    if old or chosen:
        log.info("deleted %d old visits, %d snapshots", len(old), len(old_names) + len(chosen))
    return Swept(visits=len(old), snapshots=len(old_names) + len(chosen))
