"""Turn rows of the database into values."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, timezone

from edgecls.types import Event, Visit

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def us_from_datetime(at: datetime) -> int:
    """Return whole microseconds since 1970 UTC, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def datetime_from_us(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def visit_from_row(row: sqlite3.Row) -> Visit:
    """Args: row: all columns of visits."""
    return Visit(
        id=row["id"],
        camera=row["camera"],
        started_at=datetime_from_us(row["started_us"]),
        ended_at=None if row["ended_us"] is None else datetime_from_us(row["ended_us"]),
        peak_score=row["peak_score"],
        snapshot=row["snapshot"],
        interrupted=bool(row["interrupted"]),
    )


def event_from_row(row: sqlite3.Row) -> Event:
    """Args: row: all columns of events, and its visit's snapshot."""
    return Event(
        id=row["id"],
        kind=row["kind"],
        camera=row["camera"],
        at=datetime_from_us(row["at_us"]),
        visit_id=row["visit_id"],
        score=row["score"],
        snapshot=row["snapshot"],
    )
