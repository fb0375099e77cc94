"""The page's facts as JSON, for programs. Every object says "schema": 1."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from edgecls.types import Visit
from edgecls.web.source import Household
from edgecls.web.wording import iso_text

SCHEMA = 1
VISITS_DEFAULT, VISITS_MAX = 24, 200
ID_MAX = 2**63 - 1  # what SQLite can hold


class Api:
    """Answer /api/now, /api/visits and /api/health from `household`."""

    def __init__(self, household: Household) -> None:
        self._household = household

    def now(self, request: Request) -> JSONResponse:
        """Return the state at the door."""
        del request
        now = self._household.now(self._household.cameras()[0])
        return _answer({**asdict(now), "since": iso_text(now.since)})

    def health(self, request: Request) -> JSONResponse:
        """Return the device's condition."""
        del request
        return _answer(asdict(self._household.health()))

    def visits(self, request: Request) -> JSONResponse:
        """Return visits, newest first; `next` is the path of the page of older ones, or null."""
        limit = whole_number(request.query_params, "limit", most=VISITS_MAX) or VISITS_DEFAULT
        before = whole_number(request.query_params, "before", most=ID_MAX)
        found = self._household.visits(limit=limit + 1, before_id=before)
        shown = found[:limit]
        older = f"/api/visits?before={shown[-1].id}&limit={limit}" if len(found) > limit else None
        return _answer({"visits": [_visit_object(visit) for visit in shown], "next": older})


def whole_number(query: QueryParams, name: str, *, most: int) -> int | None:
    """Return the parameter `name` as a number from 1 to `most`; None when it is not given.

    Raises:  HTTPException 400 for anything else.
    """
    text = query.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most:
        return int(text)
    raise HTTPException(400, f"{name}: expected a whole number from 1 to {most}")


def error_answer(message: str, status: int) -> JSONResponse:
    """Return the JSON of a request that failed."""
    return _answer({"error": message}, status)


def _answer(content: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse({"schema": SCHEMA, **content}, status_code=status)


def _visit_object(visit: Visit) -> dict[str, Any]:
    return {
        "id": visit.id,
        "camera": visit.camera,
        "started_at": iso_text(visit.started_at),
        "ended_at": _iso_or_none(visit.ended_at),
        "duration_s": _duration_s(visit),
        "peak_score": visit.peak_score,
        "interrupted": visit.interrupted,
        "snapshot": None if visit.snapshot is None else f"/snapshots/{visit.snapshot}",
    }


def _iso_or_none(at: datetime | None) -> str | None:
    return None if at is None else iso_text(at)


def _duration_s(visit: Visit) -> float | None:
    if visit.ended_at is None:
        return None
    return round(max(0.0, (visit.ended_at - visit.started_at).total_seconds()), 1)
