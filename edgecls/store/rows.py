"""Turn rows of the database into values."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta, timezone

from edgecls.types import Event, Visit, VisitTally

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

VISITS = (
    "SELECT visits.*, (SELECT json_group_array(file) FROM"
    " (SELECT file FROM frames WHERE visit_id = visits.id ORDER BY id)) AS frames FROM visits"
)
"""What `visit_from_row` takes."""
EVENTS = (
    "SELECT events.id, kind, events.camera, at_us, visit_id, score, somebody, detail,"
    " coalesce(events.snapshot, visits.snapshot) AS snapshot"
    " FROM events LEFT JOIN visits ON visits.id = events.visit_id"
)
"""What `event_from_row` takes."""
TALLIES = (
    "SELECT camera, count(*) - sum(older) AS visits, sum(older) AS older,"
    " sum(correction IS NOT NULL AND NOT older) AS corrected,"
    " sum(correction IS 'nobody' AND NOT older) AS nobody,"
    " coalesce(min(CASE WHEN NOT older THEN started_us END), min(started_us)) AS first_us,"
    " max(started_us) AS last_us FROM (SELECT camera, correction, started_us,"
    " kept AND started_us < ifnull((SELECT min(started_us) FROM visits WHERE NOT kept),"
    " started_us + 1) AS older FROM visits) GROUP BY camera ORDER BY camera"
)
"""What `tally_from_row` takes. A kept visit is older than what retention leaves of its time."""


def us_from_datetime(at: datetime) -> int:
    """Return whole microseconds since 1970 UTC, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def datetime_from_us(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def visit_from_row(row: sqlite3.Row) -> Visit:
    """Args: row: as VISITS selects it."""
    return Visit(
        id=row["id"],
        camera=row["camera"],
        started_at=datetime_from_us(row["started_us"]),
        ended_at=None if row["ended_us"] is None else datetime_from_us(row["ended_us"]),
        peak_score=row["peak_score"],
        snapshot=row["snapshot"],
        interrupted=bool(row["interrupted"]),
        kept=bool(row["kept"]),
        correction=row["correction"],
        pressed=bool(row["pressed"]),
        light=row["light"],
        frames=tuple(json.loads(row["frames"])),
    )


def event_from_row(row: sqlite3.Row) -> Event:
    """Args: row: as EVENTS selects it."""
    return Event(
        id=row["id"],
        kind=row["kind"],
        camera=row["camera"],
        at=datetime_from_us(row["at_us"]),
        visit_id=row["visit_id"],
        score=row["score"],
        snapshot=row["snapshot"],
        somebody=None if row["somebody"] is None else bool(row["somebody"]),
        detail=row["detail"],
    )


def tally_from_row(row: sqlite3.Row) -> VisitTally:
    """Args: row: as TALLIES selects it."""
    return VisitTally(
        camera=row["camera"],
        visits=row["visits"],
        corrected=row["corrected"],
        nobody=row["nobody"],
        first_at=datetime_from_us(row["first_us"]),
        last_at=datetime_from_us(row["last_us"]),
        older=row["older"],
    )
