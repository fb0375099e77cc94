"""The OpenAPI document of the JSON for programs: https://spec.openapis.org/oas/v3.1.0.

Tests hold it against the routes and against real answers.
"""

from __future__ import annotations

from typing import Any

from edgecls import __version__
from edgecls.types import CORRECTIONS, EVENT_KINDS, LIGHTS, TAMPERINGS
from edgecls.web.gate import FORM_TOKEN_HEADER
from edgecls.web.queries import ID_MAX
from edgecls.web.source import ONLY

Json = dict[str, Any]  # Any: JSON

STATES = ("person", "nobody", "no_picture")
TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
NUMBER: Json = {"type": "number"}
SCORE: Json = {"type": "number", "minimum": 0, "maximum": 1}
TIME: Json = {"type": "string", "format": "date-time"}
PATH: Json = {"type": "string", "pattern": "^/"}
IDENTITY: Json = {"type": "integer", "minimum": 1, "maximum": ID_MAX}


def document(cookie: str) -> Json:
    """Return the whole document. Args: cookie: the session's name."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "edgecls",
            "version": __version__,
            "description": "The door for programs. Times are UTC. Names end with their unit.",
        },
        "security": [{"token": []}, {"session": []}],
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "edgecls user token-add NAME --scope press, read or full",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookie,
                    "description": "A browser that is logged in.",
                },
                "form": {
                    "type": "apiKey",
                    "in": "header",
                    "name": FORM_TOKEN_HEADER,
                    "description": "What a browser's change sends besides its cookie: the "
                    "form_token of /api/session.",
                },
            },
            "schemas": SCHEMAS,
        },
        "paths": PATHS,
    }


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def _enum(*values: str) -> Json:
    return {"type": "string", "enum": list(values)}


def _object(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _answer(**properties: Json) -> Json:
    return _object(schema={"type": "integer", "const": 1}, **properties)


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _operation(
    operation: str,
    summary: str,
    answers: Json,
    *,
    query: tuple[Json, ...] = (),
    body: Json | None = None,
    fails: tuple[int, ...] = (),
) -> Json:
    """Return one operation; `fails` are the errors it has besides those that all have."""
    errors = {str(code): _json(ERRORS[code], _ref("Error")) for code in (*ALWAYS, *fails)}
    made: Json = {"operationId": operation, "summary": summary, "responses": {**answers, **errors}}
    if query:
        made["parameters"] = list(query)
    if body is not None:
        made["security"] = [{"token": []}, {"session": [], "form": []}]
        made["requestBody"] = {
            "required": False,
            "content": {"application/json": {"schema": body}},
        }
    return made


ERRORS = {
    400: "The request cannot be read.",
    401: "No login, and no token.",
    403: "The token may not do that, or the form token is missing.",
    404: "There is no such thing.",
    409: "Not in this state.",
    413: "Too much was sent.",
    415: "The body is no JSON.",
    421: "Not our name.",
    422: "A field is wrong.",
    503: "The store cannot be used, or a press not be taken, at the moment.",
}
ALWAYS = (401, 403, 503)
BODY_ERRORS = (400, 413, 415, 422)

CAMERA_HEALTH = _object(
    name=TEXT, kind=TEXT, connected=FLAG, frames=COUNT, frames_dropped=COUNT,
    frames_per_s=NUMBER, restarts=COUNT,
)  # fmt: skip
VISIT = {
    "id": IDENTITY, "camera": TEXT, "started_at": TIME, "ended_at": _or_null(TIME),
    "duration_s": _or_null(NUMBER), "peak_score": SCORE, "light": _enum(*LIGHTS),
    "interrupted": FLAG, "kept": FLAG, "pressed": FLAG,
    "correction": _or_null(_enum(*CORRECTIONS)), "snapshot": _or_null(PATH),
    "frames": _list(PATH),
}  # fmt: skip
EVENT = _object(
    id=IDENTITY, kind=_enum(*EVENT_KINDS), camera=TEXT, at=TIME, visit_id=_or_null(IDENTITY),
    score=_or_null(SCORE), somebody=_or_null(FLAG), detail=_or_null(_enum(*TAMPERINGS)),
    snapshot=_or_null(PATH),
)  # fmt: skip
ACCURACY = _object(
    dataset=TEXT, dataset_sha256=_or_null(TEXT), metric=TEXT, value=NUMBER,
    n={"type": "integer", "minimum": 1}, ci95=_list(NUMBER), threshold=_or_null(NUMBER),
)  # fmt: skip
VARIANT = _object(name=TEXT, runtime=TEXT, precision=TEXT, bytes=COUNT, accuracy=_or_null(ACCURACY))
SAMPLE = _object(
    at=TIME, temperature_c=_or_null(NUMBER), frames_per_s=NUMBER, dropped=COUNT,
    disk_free_bytes=COUNT, memory_bytes=COUNT,
)  # fmt: skip
SINK = _object(sink=TEXT, waiting=COUNT, dead=COUNT, last_error=_or_null(TEXT))

SCHEMAS: Json = {
    "Error": _answer(error=TEXT),
    "Session": _answer(
        account=_or_null(TEXT),
        rights=_list(_enum("press", "read", "change")),
        form_token=_or_null(TEXT),
    ),
    "Now": _answer(
        camera=TEXT, state=_enum(*STATES), score=_or_null(SCORE), since=TIME,
        frame_age_s=_or_null(NUMBER), problem=_or_null(TEXT),
        tampered=_or_null(_enum(*(one for one in TAMPERINGS if one != "over"))),
    ),
    "Health": _answer(
        board=TEXT, cameras=_list(CAMERA_HEALTH), inference_p50_ms=_or_null(NUMBER),
        inferences=COUNT, temperature_c=_or_null(NUMBER), throttled=_or_null(FLAG),
        memory_bytes=COUNT, disk_free_bytes=COUNT, store_bytes=COUNT, model=TEXT, uptime_s=NUMBER,
    ),
    "History": _answer(samples=_list(SAMPLE)),
    "Model": _answer(
        name=TEXT, version=TEXT, license=_or_null(TEXT), labels=_list(TEXT),
        decision=_or_null(_object(label=TEXT, threshold=NUMBER)), variant=TEXT,
        variants=_list(VARIANT),
    ),
    "Visit": _answer(**VISIT),
    "Visits": _answer(visits=_list(_object(**VISIT)), next=_or_null(PATH)),
    "VisitChange": {
        "type": "object",
        "properties": {"kept": FLAG, "correction": _or_null(_enum(*CORRECTIONS))},
        "additionalProperties": False,
    },
    "Deleted": _answer(deleted=IDENTITY),
    "Events": _answer(events=_list(EVENT), next=_or_null(PATH)),
    "Sinks": _answer(sinks=_list(SINK)),
    "Requeue": _object(sink=TEXT),
    "Requeued": _answer(requeued=COUNT),
    "Pressed": _answer(pressed={"type": "boolean", "const": True}),
    "Sound": {
        "type": "object",
        "properties": {
            "schema": {"type": "integer", "const": 1},
            "ok": FLAG,
            "reasons": _list(TEXT),
        },
        "required": ["schema", "ok"],
        "additionalProperties": False,
    },
}  # fmt: skip

_CAMERA = _query("camera", TEXT, "A camera's name; the first one, or all, if left out.")
_BEFORE = _query("before", IDENTITY, "Only older ones than this id.")
_LIMIT = _query("limit", {"type": "integer", "minimum": 1, "maximum": 200}, "At most so many.")
_DAY = _query("day", {"type": "string", "format": "date"}, "Of the device's time zone.")
_ONLY = _query("only", _enum(*ONLY), "Only these.")
_NUMBER: Json = {"name": "number", "in": "path", "required": True, "schema": IDENTITY}
_NOTHING: Json = {"type": "object", "maxProperties": 0}


def _get(
    operation: str, summary: str, schema: str, *query: Json, fails: tuple[int, ...] = ()
) -> Json:
    failing = (400, *fails) if query else fails
    answers = {"200": _json("What was asked for.", _ref(schema))}
    return {"get": _operation(operation, summary, answers, query=query, fails=failing)}


PATHS: Json = {
    "/api/openapi.json": {
        "get": _operation(
            "describe", "This document.", {"200": _json("OpenAPI 3.1.", {"type": "object"})}
        )
    },
    "/api/session": _get("session", "Who asks, and what they may do.", "Session"),
    "/api/now": _get("now", "The state at the door.", "Now", _CAMERA),
    "/api/health": _get("health", "The device's condition.", "Health"),
    "/api/history": _get("history", "The device's last day.", "History"),
    "/api/model": _get("model", "The model, and how it was measured.", "Model"),
    "/api/visits": _get(
        "visits", "Visits, newest first.", "Visits", _BEFORE, _LIMIT, _DAY, _CAMERA, _ONLY
    ),
    "/api/visits/{number}": {
        "parameters": [_NUMBER],
        **_get("visit", "One visit.", "Visit", fails=(404,)),
        "post": _operation(
            "change_visit",
            "Keep a visit, or say what was really there.",
            {"200": _json("The visit as it is now.", _ref("Visit"))},
            body=_ref("VisitChange"),
            fails=(404, *BODY_ERRORS),
        ),
        "delete": _operation(
            "delete_visit",
            "Delete a visit that has ended, with its pictures.",
            {"200": _json("It is gone.", _ref("Deleted"))},
            body=_NOTHING,
            fails=(404, 409, *BODY_ERRORS),
        ),
    },
    "/api/events": _get(
        "events", "Presses and troubles with cameras, newest first.", "Events", _BEFORE, _LIMIT
    ),
    "/api/sinks": _get("sinks", "Who is told of events, and what waits.", "Sinks"),
    "/api/sinks/requeue": {
        "post": _operation(
            "requeue",
            "Send again what a sink was given up for.",
            {"200": _json("How many wait again.", _ref("Requeued"))},
            body=_ref("Requeue"),
            fails=BODY_ERRORS,
        )
    },
    "/api/press": {
        "post": _operation(
            "press",
            "Ring the doorbell. A token of scope press is enough.",
            {"202": _json("It rings: an event, unless the disk fails.", _ref("Pressed"))},
            body=_NOTHING,
            fails=(409, *BODY_ERRORS),
        )
    },
    "/healthz": {
        "get": {
            **_operation(
                "healthz",
                "Whether the daemon does its work. From loopback without login, then no reasons.",
                {"200": _json("All is well.", _ref("Sound"))},
            ),
            "security": [{}, {"token": []}, {"session": []}],
        }
    },
    "/metrics": {
        "get": _operation(
            "metrics",
            "Metrics for Prometheus.",
            {
                "200": {
                    "description": "Prometheus' text.",
                    "content": {"text/plain": {"schema": TEXT}},
                }
            },
        )
    },
}
PATHS["/healthz"]["get"]["responses"]["503"] = _json("Something is wrong.", _ref("Sound"))
