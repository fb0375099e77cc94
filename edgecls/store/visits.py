"""How a visit is written: its begin, further pictures, its end, and what people say of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from edgecls.errors import StoreError
from edgecls.store.database import transaction
from edgecls.store.rows import us_from_datetime
from edgecls.store.writer import Writer
from edgecls.types import Visit

PRESS_REACH = timedelta(seconds=10)
"""A press so long before a visit's begin, or after its end, belongs to it."""


def start(
    writer: Writer,
    camera: str,
    at: datetime,
    score: float,
    jpeg: bytes,
    *,
    light: str,
    tell: bool,
) -> Visit:
    """Store that somebody arrived: the JPEG, then the visit and its event in one transaction."""
    database = writer.database
    name = writer.snapshots.write(jpeg, at=at)
    try:
        with transaction(database):
            writer.step("insert the visit")
            cursor = database.execute(
                "INSERT INTO visits (camera, started_us, peak_score, snapshot, snapshot_bytes,"
                " light) VALUES (?, ?, ?, ?, ?, ?)",
                (camera, us_from_datetime(at), score, name, len(jpeg), light),
            )
            visit_id = int(cursor.lastrowid or 0)
            writer.step("insert the first event")
            writer.insert_event(
                "visit_started", camera, at, visit_id=visit_id, score=score, tell=tell
            )
            _take_in_presses(writer, visit_id, camera, at)
            writer.step("commit the start")
    except BaseException:
        writer.snapshots.remove([name])
        raise
    writer.step("return from the start")
    return writer.visit(visit_id)


def add_frame(writer: Writer, visit_id: int, at: datetime, jpeg: bytes) -> str:
    """Store a further picture of a visit; return its file name."""
    writer.visit(visit_id)
    name = writer.snapshots.write(jpeg, at=at)
    try:
        with transaction(writer.database):
            writer.step("insert the frame")
            writer.database.execute(
                "INSERT INTO frames (visit_id, file, at_us, bytes) VALUES (?, ?, ?, ?)",
                (visit_id, name, us_from_datetime(at), len(jpeg)),
            )
            writer.step("commit the frame")
    except BaseException:
        writer.snapshots.remove([name])
        raise
    return name


def end(
    writer: Writer,
    visit_id: int,
    at: datetime,
    score: float,
    jpeg: bytes | None,
    *,
    interrupted: bool,
    tell: bool,
) -> Visit:
    """Store that a visit has ended, its event, and a better snapshot if there is one."""
    database = writer.database
    before = writer.visit(visit_id)
    if before.ended_at is not None:
        raise StoreError(f"visit {visit_id} has ended already, expected an open one")
    last = max(at, before.started_at)
    name = None if jpeg is None else writer.snapshots.write(jpeg, at=at)
    try:
        with transaction(database):
            writer.step("update the visit")
            database.execute(
                "UPDATE visits SET ended_us = ?, peak_score = ?, interrupted = ? WHERE id = ?",
                (us_from_datetime(last), score, interrupted, visit_id),
            )
            if jpeg is not None:
                database.execute(
                    "UPDATE visits SET snapshot = ?, snapshot_bytes = ? WHERE id = ?",
                    (name, len(jpeg), visit_id),
                )
            writer.step("insert the last event")
            writer.insert_event(
                "visit_ended", before.camera, last, visit_id=visit_id, score=score, tell=tell
            )
            writer.step("commit the end")
    except BaseException:
        writer.snapshots.remove([name] if name else [])
        raise
    writer.step("remove the first snapshot")
    if name is not None and before.snapshot is not None:
        writer.snapshots.remove([before.snapshot])
    return writer.visit(visit_id)


def end_interrupted(writer: Writer) -> int:
    """Close visits that an earlier run left open; nobody knows more than their begin."""
    database = writer.database
    with transaction(database):
        rows = database.execute("SELECT id FROM visits WHERE ended_us IS NULL").fetchall()
        for row in rows:
            visit = writer.visit(row["id"])
            database.execute(
                "UPDATE visits SET ended_us = started_us, interrupted = 1 WHERE id = ?",
                (visit.id,),
            )
            writer.insert_event(
                "visit_ended",
                visit.camera,
                visit.started_at,
                visit_id=visit.id,
                score=visit.peak_score,
            )
    return len(rows)


def keep(writer: Writer, visit_id: int, kept: bool) -> Visit:
    """Let a visit be the last to be deleted, or no longer."""
    writer.visit(visit_id)
    with transaction(writer.database):
        writer.step("keep the visit")
        writer.database.execute("UPDATE visits SET kept = ? WHERE id = ?", (kept, visit_id))
    return writer.visit(visit_id)


def correct(writer: Writer, visit_id: int, label: str | None) -> Visit:
    """Note what a person says was there: one of CORRECTIONS, None to take it back."""
    writer.visit(visit_id)
    with transaction(writer.database):
        writer.step("correct the visit")
        writer.database.execute("UPDATE visits SET correction = ? WHERE id = ?", (label, visit_id))
    return writer.visit(visit_id)


def delete(writer: Writer, visit_id: int) -> None:
    """Delete a visit with its events, then its files: a row never names a file that is gone."""
    database = writer.database
    visit = writer.visit(visit_id)
    if visit.ended_at is None:
        raise StoreError(
            f"visit {visit_id} lasts still, expected one that has ended",
            hint="delete it once the visitor has left",
        )
    with transaction(database):
        own = database.execute(
            "SELECT snapshot FROM events WHERE visit_id = ? AND snapshot IS NOT NULL", (visit_id,)
        ).fetchall()
        writer.step("delete the visit")
        database.execute("DELETE FROM visits WHERE id = ?", (visit_id,))
        writer.step("commit the deletion")
    writer.step("remove the visit's files")
    writer.snapshots.remove(
        [name for name in (visit.snapshot, *visit.frames) if name]
        + [row["snapshot"] for row in own]
    )


def _take_in_presses(writer: Writer, visit_id: int, camera: str, at: datetime) -> None:
    """Let presses just before a visit belong to it: people ring as they arrive."""
    reach_us = PRESS_REACH // timedelta(microseconds=1)
    taken = writer.database.execute(
        "UPDATE events SET visit_id = ? WHERE kind = 'pressed' AND visit_id IS NULL"
        " AND camera = ? AND abs(at_us - ?) <= ?",
        (visit_id, camera, us_from_datetime(at), reach_us),
    ).rowcount
    if taken:
        writer.database.execute("UPDATE visits SET pressed = 1 WHERE id = ?", (visit_id,))
