"""An event as other programs are told of it: the same object for every sink."""

from __future__ import annotations

from datetime import timezone

from edgecls.types import Event

SCHEMA = 1


def object_from_event(event: Event, *, device: str) -> dict[str, object]:
    """Return what is sent as JSON. The same `device` and `id` is the same event, told again."""
    return {
        "schema": SCHEMA,
        "device": device,
        "id": event.id,
        "kind": event.kind,
        "camera": event.camera,
        "at": event.at.astimezone(timezone.utc).isoformat(timespec="milliseconds"),
        "visit": event.visit_id,
        "score": None if event.score is None else round(event.score, 4),
        "somebody": event.somebody,
        "detail": event.detail,
    }
