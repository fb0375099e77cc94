"""A household's values as the JSON that programs read. Times are UTC to the second."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from edgecls.types import Event, SinkState, Visit
from edgecls.web.source import Health, ModelInUse, Now, Sample
from edgecls.web.wording import iso_text

Object = dict[str, Any]  # Any: JSON


def now_object(now: Now) -> Object:
    return {**asdict(now), "since": iso_text(now.since)}


def health_object(health: Health) -> Object:
    return {**asdict(health), "cameras": [asdict(camera) for camera in health.cameras]}


def visit_object(visit: Visit) -> Object:
    return {
        "id": visit.id,
        "camera": visit.camera,
        "started_at": iso_text(visit.started_at),
        "ended_at": None if visit.ended_at is None else iso_text(visit.ended_at),
        "duration_s": _duration_s(visit),
        "peak_score": visit.peak_score,
        "light": visit.light,
        "interrupted": visit.interrupted,
        "kept": visit.kept,
        "pressed": visit.pressed,
        "correction": visit.correction,
        "snapshot": _path(visit.snapshot),
        "frames": [_path(frame) for frame in visit.frames],
    }


def event_object(event: Event) -> Object:
    return {
        "id": event.id,
        "kind": event.kind,
        "camera": event.camera,
        "at": iso_text(event.at),
        "visit_id": event.visit_id,
        "score": event.score,
        "somebody": event.somebody,
        "detail": event.detail,
        "snapshot": _path(event.snapshot),
    }


def sample_object(sample: Sample) -> Object:
    return {**asdict(sample), "at": iso_text(sample.at)}


def sink_object(state: SinkState) -> Object:
    return asdict(state)


def model_object(model: ModelInUse) -> Object:
    manifest = model.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "license": manifest.license,
        "labels": list(manifest.labels),
        "decision": None if manifest.decision is None else manifest.decision.model_dump(),
        "variant": model.variant,
        "variants": [
            {
                "name": variant.name,
                "runtime": variant.runtime,
                "precision": variant.precision,
                "bytes": variant.bytes,
                "accuracy": None
                if variant.accuracy is None
                else variant.accuracy.model_dump(mode="json"),
            }
            for variant in manifest.variants
        ],
    }


def _path(name: str | None) -> str | None:
    return None if name is None else f"/snapshots/{name}"


def _duration_s(visit: Visit) -> float | None:
    if visit.ended_at is None:
        return None
    return round(max(0.0, (visit.ended_at - visit.started_at).total_seconds()), 1)
