"""The page's facts and changes as JSON, for programs. Every object says "schema": 1.

Who may ask is decided in `gate.py`; what each answer looks like is told by `openapi.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from edgecls.types import CORRECTIONS
from edgecls.web import api_objects as objects
from edgecls.web.access import Access, Visitor
from edgecls.web.forms import object_of
from edgecls.web.openapi import document
from edgecls.web.pages import existing_visit
from edgecls.web.queries import ID_MAX, camera_name, visit_query, whole_number
from edgecls.web.source import Household

SCHEMA = 1
VISITS_DEFAULT, VISITS_MAX = 24, 200
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
PRESS_SOURCE = "http"
RETRY_AFTER_S = "2"

Body = dict[str, Any]  # Any: JSON


def from_object(
    handler: Callable[[Request, Body], Response],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that reads a JSON object and runs `handler` in a thread."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(handler, request, await object_of(request))

    return endpoint


class Api:
    """Answer /api/..., /healthz and /metrics from `household`."""

    def __init__(self, household: Household, access: Access) -> None:
        self._household = household
        self._access = access

    def openapi(self, request: Request) -> Response:
        """Return the description of all this."""
        del request
        return JSONResponse(document(self._access.cookie))

    def session(self, request: Request) -> Response:
        """Return who asks, and what a browser's change must send besides its cookie."""
        visitor: Visitor = request.state.visitor
        binding = visitor.form_binding
        return _answer(
            {
                "account": visitor.account,
                "rights": sorted(visitor.rights),
                "form_token": self._access.sessions.form_token(binding) if binding else None,
            }
        )

    def now(self, request: Request) -> Response:
        """Return the state in front of a camera, the first if none is named."""
        camera = camera_name(request.query_params, self._household)
        chosen = camera or self._household.cameras()[0]
        return _answer(objects.now_object(self._household.now(chosen)))

    def health(self, request: Request) -> Response:
        """Return the device's condition."""
        del request
        return _answer(objects.health_object(self._household.health()))

    def history(self, request: Request) -> Response:
        """Return the device's recent past, oldest first."""
        del request
        return _answer({"samples": [objects.sample_object(s) for s in self._household.history()]})

    def model(self, request: Request) -> Response:
        """Return what the model is, and how it was measured."""
        del request
        return _answer(objects.model_object(self._household.model()))

    def visits(self, request: Request) -> Response:
        """Return visits, newest first; `next` is the path of the page of older ones, or null."""
        limit = _limit(request)
        query = visit_query(request.query_params, self._household)
        found = self._household.visits(
            limit=limit + 1,
            before_id=query.before_id,
            day=query.day,
            camera=query.camera,
            only=query.only,
        )
        shown, more = found[:limit], len(found) > limit
        older = query.address("/api/visits", before=shown[-1].id, limit=limit) if more else None
        return _answer({"visits": [objects.visit_object(v) for v in shown], "next": older})

    def visit(self, request: Request) -> Response:
        """Return one visit."""
        return _answer(objects.visit_object(existing_visit(request, self._household)))

    def change_visit(self, request: Request, body: Body) -> Response:
        """Keep a visit, correct it, or both; return it as it is then."""
        visit = existing_visit(request, self._household)
        _expect_fields(body, ("kept", "correction"))
        if "kept" in body and not isinstance(body["kept"], bool):
            raise HTTPException(422, "kept: expected true or false")
        if body.get("correction") not in (*CORRECTIONS, None):
            raise HTTPException(422, f"correction: expected one of {', '.join(CORRECTIONS)}, null")
        if "kept" in body:
            self._household.keep(visit.id, body["kept"])
        if "correction" in body:
            self._household.correct(visit.id, body["correction"])
        return _answer(objects.visit_object(existing_visit(request, self._household)))

    def delete_visit(self, request: Request, body: Body) -> Response:
        """Delete a visit that has ended, with its pictures."""
        visit = existing_visit(request, self._household)
        _expect_fields(body, ())
        if visit.ended_at is None:
            raise HTTPException(409, "this visit lasts still, expected one that has ended")
        self._household.delete(visit.id)
        return _answer({"deleted": visit.id})

    def events(self, request: Request) -> Response:
        """Return presses and troubles with cameras, newest first; `next` as in `visits`."""
        limit = _limit(request)
        before = whole_number(request.query_params, "before", most=ID_MAX)
        found = self._household.happenings(limit=limit + 1, before_id=before)
        shown, more = found[:limit], len(found) > limit
        older = f"/api/events?before={shown[-1].id}&limit={limit}" if more else None
        return _answer({"events": [objects.event_object(e) for e in shown], "next": older})

    def sinks(self, request: Request) -> Response:
        """Return who is told of events, and what waits for them."""
        del request
        return _answer({"sinks": [objects.sink_object(s) for s in self._household.sinks()]})

    def requeue(self, request: Request, body: Body) -> Response:
        """Put the dead letters of the sink {"sink": NAME} back."""
        del request
        _expect_fields(body, ("sink",))
        known = [state.sink for state in self._household.sinks()]
        sink = body.get("sink")
        if not isinstance(sink, str) or sink not in known:
            raise HTTPException(422, f"sink: expected one of {', '.join(known) or 'none'}")
        return _answer({"requeued": self._household.requeue(sink)})

    def press(self, request: Request, body: Body) -> Response:
        """Ring the doorbell: 202 only for a press that will be an event unless the disk fails."""
        del request
        _expect_fields(body, ())
        taken = self._household.press(PRESS_SOURCE)
        if taken is None:
            raise HTTPException(409, 'this device has no trigger of kind "http"')
        if not taken:
            why = "too many presses wait, or this device starts or stops: try again soon"
            raise HTTPException(503, why, headers={"Retry-After": RETRY_AFTER_S})
        return _answer({"pressed": True}, 202)

    def healthz(self, request: Request) -> Response:
        """Say whether the daemon does its work: 200 or 503; the reasons only to who may read."""
        sound = self._household.soundness()
        visitor: Visitor | None = request.state.visitor
        told: dict[str, Any] = {"ok": sound.ok}
        if visitor is not None and "read" in visitor.rights:
            told["reasons"] = list(sound.reasons)
        return _answer(told, 200 if sound.ok else 503)

    def metrics(self, request: Request) -> Response:
        """Return the metrics in Prometheus' text format."""
        del request
        return Response(self._household.metrics(), media_type=PROMETHEUS)


def error_answer(message: str, status: int, headers: Any = None) -> JSONResponse:
    """Return the JSON of a request that failed. Args: headers: as Starlette has them."""
    return JSONResponse({"schema": SCHEMA, "error": message}, status, headers=headers)


def _limit(request: Request) -> int:
    return whole_number(request.query_params, "limit", most=VISITS_MAX) or VISITS_DEFAULT


def _expect_fields(body: Body, known: tuple[str, ...]) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        expected = f"expected {', '.join(known)}" if known else "expected none"
        raise HTTPException(422, f"unknown field {unknown[0][:80]!r}, {expected}")


def _answer(content: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse({"schema": SCHEMA, **content}, status_code=status)
