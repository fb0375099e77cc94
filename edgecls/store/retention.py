"""Keep the store inside its budgets: days, bytes, and free space on the disk; oldest first."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from edgecls.sections.store import StoreSection
from edgecls.store.database import transaction
from edgecls.store.rows import us_from_datetime
from edgecls.store.snapshots import Snapshots

log = logging.getLogger(__name__)

TRUST_S = 3500.0
"""The wall clock must have run steadily for so long: just under the hour between two sweeps."""
STEP_S = 600.0
"""More than this between the wall clock and the monotonic one is a jump."""


class SteadyTime:
    """Tell whether the wall clock can be trusted to say how old a visit is.

    A board without a clock battery may wake years ahead until the network puts it right, and what
    a sweep deletes is gone. So the wall clock counts only once it has kept step with the monotonic
    clock for TRUST_S of this run; a jump, in whichever direction, begins the wait anew. A run that
    is shorter deletes nothing by age; the budgets of bytes hold all the same.

    Args:    clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ahead_s: float | None = None
        self._since_s = 0.0

    def trusted(self, now: datetime) -> bool:
        now_s = self._clock()
        ahead_s = now.timestamp() - now_s
        if self._ahead_s is None or abs(ahead_s - self._ahead_s) > STEP_S:
            self._ahead_s, self._since_s = ahead_s, now_s
        return now_s - self._since_s >= TRUST_S


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted."""

    visits: int
    snapshots: int


def sweep(
    database: sqlite3.Connection,
    snapshots: Snapshots,
    section: StoreSection,
    *,
    now: datetime | None,
) -> Swept:
    """Delete visits older than days_max, then the oldest snapshots until both budgets are kept.

    The rows go first and the files after them: a row never names a file that is gone. A file that
    a power cut left behind is removed at the next start.

    Args:    now: None while the time is not to be trusted; then nothing is too old.
    """
    old = [] if now is None else _too_old(database, now, section.days_max)
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


def _too_old(database: sqlite3.Connection, now: datetime, days_max: float) -> list[sqlite3.Row]:
    beginning_of_time = datetime.min.replace(tzinfo=timezone.utc)
    oldest = now - timedelta(days=min(days_max, (now - beginning_of_time).days))
    return database.execute(
        "SELECT id, snapshot FROM visits WHERE ended_us IS NOT NULL AND started_us < ?",
        (us_from_datetime(oldest),),
    ).fetchall()
