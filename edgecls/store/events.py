"""How an event of its own is written: a press, a tampering, a camera that went or came back."""

from __future__ import annotations

from datetime import datetime, timedelta

from edgecls.store.database import transaction
from edgecls.store.rows import us_from_datetime
from edgecls.store.visits import PRESS_REACH
from edgecls.store.writer import Writer
from edgecls.types import Event


def add(
    writer: Writer,
    kind: str,
    camera: str,
    at: datetime,
    *,
    score: float | None,
    jpeg: bytes | None,
    somebody: bool | None,
    detail: str | None,
) -> Event:
    """Store an event: its JPEG first, then the rows in one transaction.

    A press joins the visit of its camera that lasts, or has ended a moment ago.
    """
    name = None if jpeg is None else writer.snapshots.write(jpeg, at=at)
    try:
        with transaction(writer.database):
            visit_id = _rung_visit(writer, camera, at) if kind == "pressed" else None
            writer.step("insert the event")
            event_id = writer.insert_event(
                kind,
                camera,
                at,
                visit_id=visit_id,
                score=score,
                snapshot=name,
                snapshot_bytes=0 if jpeg is None else len(jpeg),
                somebody=somebody,
                detail=detail,
            )
            writer.step("commit the event")
    except BaseException:
        writer.snapshots.remove([name] if name else [])
        raise
    writer.step("return from the event")
    return writer.event(event_id)


def _rung_visit(writer: Writer, camera: str, at: datetime) -> int | None:
    """Mark the visit into which a press at `at` falls, if there is one; return its id."""
    row = writer.database.execute(
        "SELECT id FROM visits WHERE camera = :camera AND (ended_us IS NULL"
        " OR :at BETWEEN started_us - :reach AND ended_us + :reach) ORDER BY id DESC LIMIT 1",
        {
            "camera": camera,
            "at": us_from_datetime(at),
            "reach": PRESS_REACH // timedelta(microseconds=1),
        },
    ).fetchone()
    if row is None:
        return None
    writer.database.execute("UPDATE visits SET pressed = 1 WHERE id = ?", (row["id"],))
    return int(row["id"])
