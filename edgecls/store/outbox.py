"""The rows that say which sink has yet to be told of which event. Order: by event id."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from edgecls.store.rows import EVENTS, event_from_row
from edgecls.types import Event, SinkState


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The next event for a sink. Args: attempts: to deliver it, so far."""

    event: Event
    attempts: int


def add(database: sqlite3.Connection, sinks: Iterable[str], event_id: int) -> None:
    """Let an event wait for each of `sinks`, inside the caller's transaction."""
    database.executemany(
        "INSERT INTO outbox (sink, event_id) VALUES (?, ?)", [(sink, event_id) for sink in sinks]
    )


def first(database: sqlite3.Connection, sink: str) -> Undelivered | None:
    """Return the oldest event that waits for `sink`; None when nothing does."""
    row = database.execute(
        "SELECT event_id, attempts FROM outbox WHERE sink = ? AND state = 'waiting'"
        " ORDER BY event_id LIMIT 1",
        (sink,),
    ).fetchone()
    if row is None:
        return None
    event = database.execute(f"{EVENTS} WHERE events.id = ?", (row["event_id"],)).fetchone()
    return Undelivered(event_from_row(event), row["attempts"])


def remove(database: sqlite3.Connection, sink: str, event_id: int) -> None:
    """Strike out what was delivered."""
    database.execute("DELETE FROM outbox WHERE sink = ? AND event_id = ?", (sink, event_id))


def failed(
    database: sqlite3.Connection,
    sink: str,
    event_id: int,
    *,
    error: str,
    dead: bool,
    counts: bool,
) -> None:
    """Note a failed attempt, and count it; a dead one is not tried again until it is put back."""
    database.execute(
        "UPDATE outbox SET attempts = attempts + ?, last_error = ?, state = ?"
        " WHERE sink = ? AND event_id = ?",
        (int(counts), error, "dead" if dead else "waiting", sink, event_id),
    )


def requeue(database: sqlite3.Connection, sink: str) -> int:
    """Let what was given up wait again, with all its attempts; return how many."""
    return database.execute(
        "UPDATE outbox SET state = 'waiting', attempts = 0 WHERE sink = ? AND state = 'dead'",
        (sink,),
    ).rowcount


def states(rows: Iterable[sqlite3.Row]) -> tuple[SinkState, ...]:
    """Args: rows: as STATES selects them."""
    return tuple(
        SinkState(row["sink"], int(row["waiting"]), int(row["dead"]), row["last_error"])
        for row in rows
    )


STATES = (
    "SELECT sink, total(state = 'waiting') AS waiting, total(state = 'dead') AS dead,"
    " (SELECT last_error FROM outbox AS newest WHERE newest.sink = outbox.sink"
    "  AND last_error IS NOT NULL ORDER BY event_id DESC LIMIT 1) AS last_error"
    " FROM outbox GROUP BY sink ORDER BY sink"
)
