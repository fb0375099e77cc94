"""The wall clock as a board without a battery has it: it may wake in 1970, and be put right later.

Rows are ordered by their ids, which only count up; their times are made right when the clock is.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edgecls.store.database import transaction

log = logging.getLogger(__name__)

TRUST_S = 3500.0
"""The wall clock must have run steadily for so long: just under the hour between two sweeps."""
STEP_S = 600.0
"""More than this between the wall clock and the time since the boot is a jump."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

SHIFTS = {
    "visits": "UPDATE visits SET started_us = started_us + :by, ended_us = ended_us + :by"
    " WHERE id > (SELECT after_visit FROM boot)",
    "events": "UPDATE events SET at_us = at_us + :by WHERE id > (SELECT after_event FROM boot)",
    "frames": "UPDATE frames SET at_us = at_us + :by WHERE id > (SELECT after_frame FROM boot)",
}
NEW_BOOT = (
    "INSERT OR REPLACE INTO boot SELECT 1, ?, ?, (SELECT coalesce(max(id), 0) FROM visits),"
    " (SELECT coalesce(max(id), 0) FROM events), (SELECT coalesce(max(id), 0) FROM frames)"
)


def since_boot_s() -> float:
    """Return the seconds since the machine's boot, those asleep included (where it can tell)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot_name() -> str:
    """Return the kernel's name for this boot; "" where it has none: then each start is one."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def utc_now() -> datetime:
    """Return the wall clock."""
    return datetime.now(timezone.utc)


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


class BootClock:
    """Move the times of this boot's rows when the wall clock jumps; see the schema's table boot.

    The last word of the clock counts: a jump forward moves rows forward, one back moves them back.
    Rows of earlier boots stay: nobody knows by how much their clock was wrong.

    Args:    now: the wall clock, UTC.   clock: seconds since the boot.   boot: names the boot.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = since_boot_s,
        boot: Callable[[], str] = boot_name,
    ) -> None:
        self._now = now
        self._clock = clock
        self._boot = boot
        self._ahead_s: float | None = None
        self._jump_s = 0.0

    def begin(self, database: sqlite3.Connection) -> None:
        """Note which boot this is; after a mere restart, correct what an earlier run wrote."""
        name, ahead_s = self._boot(), self._measured_s()
        row = database.execute("SELECT boot, ahead_us FROM boot").fetchone()
        if row is not None and name and row["boot"] == name:
            self._ahead_s = row["ahead_us"] / 1e6
            self.check(database)
            return
        with transaction(database):
            database.execute(NEW_BOOT, (name, round(ahead_s * 1e6)))
        self._ahead_s = ahead_s

    def check(self, database: sqlite3.Connection) -> None:
        """Correct this boot's rows if the clock has jumped since the last check.

        To be called before each write, so that no row is written by a clock it is not moved with.
        """
        if self._ahead_s is None:
            return  # not begun yet
        ahead_s = self._measured_s()
        jump_s = ahead_s - self._ahead_s
        if abs(jump_s) <= STEP_S:
            self._ahead_s = ahead_s
            return
        by = {"by": round(jump_s * 1e6)}
        with transaction(database):
            moved = {table: database.execute(sql, by).rowcount for table, sql in SHIFTS.items()}
            database.execute("UPDATE boot SET ahead_us = ?", (round(ahead_s * 1e6),))
        self._ahead_s, self._jump_s = ahead_s, jump_s
        log.info(
            "the clock was put %s by %s: moved the times of %d visits and %d events with it",
            "forward" if jump_s > 0 else "back",
            timedelta(seconds=round(abs(jump_s))),
            moved["visits"],
            moved["events"],
        )

    def corrected(self, at: datetime) -> datetime:
        """Return `at` as the clock would have it now: a frame may be older than the last jump.

        What was seen before this boot or lies in the future was told by the clock before the jump.
        """
        now, at_s = self._now().timestamp(), at.timestamp()
        impossible = at_s < now - self._clock() - STEP_S or at_s > now + STEP_S
        return at + timedelta(seconds=self._jump_s) if impossible else at

    def _measured_s(self) -> float:
        return self._now().timestamp() - self._clock()
