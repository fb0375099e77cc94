"""What programs may change, with which token; and that the OpenAPI document is true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from edgecls.daemon.health import HealthState
from edgecls.types import SinkState
from edgecls.web.access import Access
from edgecls.web.openapi import document
from tests.asgi_client import Answer, AsgiClient
from tests.household import (
    AT,
    NO_FRAME_YET,
    FakeHousehold,
    open_visit,
    past_day,
    past_happenings,
    past_visits,
    with_frames,
)
from tests.page import PASSWORD, Browser, access_for, app_of


@pytest.fixture
def household() -> FakeHousehold:
    first, *others = past_visits(5)
    return FakeHousehold(
        stored=[open_visit(6), with_frames(first, 2), *others],
        happened=past_happenings(),
        past=past_day(5),
        outbox=[SinkState("mqtt", 1, 2, "refused")],
    )


@pytest.fixture
def access(tmp_path: Path) -> Access:
    access = access_for(tmp_path, login=True)
    access.accounts.add("anna", PASSWORD, at=AT)
    return access


class Program:
    """Ask with a token of one scope."""

    def __init__(self, household: FakeHousehold, access: Access, scope: Any) -> None:
        token = access.accounts.add_token(f"test-{scope}", scope, at=AT)
        self._client = AsgiClient(app_of(household, access))
        self._headers = {"authorization": f"Bearer {token}"}

    def get(self, path: str) -> Answer:
        return self._client.get(path, **self._headers)

    def send(self, method: str, path: str, value: object = None) -> Answer:
        body = b"" if value is None else json.dumps(value).encode()
        return self._client.request(
            method, path, body=body, content_type="application/json", **self._headers
        )


@pytest.fixture
def program(household: FakeHousehold, access: Access) -> Program:
    return Program(household, access, "full")


def test_a_visit_is_kept_corrected_and_deleted(program: Program) -> None:
    changed = program.send("POST", "/api/visits/5", {"kept": True, "correction": "nobody"}).json()
    assert (changed["kept"], changed["correction"]) == (True, "nobody")
    assert program.send("POST", "/api/visits/5", {"correction": None}).json()["correction"] is None
    assert program.get("/api/visits/5").json()["kept"] is True
    assert program.send("DELETE", "/api/visits/5").json() == {"schema": 1, "deleted": 5}
    assert program.get("/api/visits/5").status == 404
    assert program.send("DELETE", "/api/visits/5").status == 404


def test_a_visit_that_lasts_is_not_deleted(program: Program, household: FakeHousehold) -> None:
    assert program.send("DELETE", "/api/visits/6").status == 409
    assert household.visit(6) is not None


@pytest.mark.parametrize(
    ("method", "path", "value", "message"),
    [
        ("POST", "/api/visits/5", {"kept": 1}, "true or false"),
        ("POST", "/api/visits/5", {"correction": "cat"}, "person, nobody, null"),
        ("POST", "/api/visits/5", {"correction": []}, "person, nobody, null"),
        ("POST", "/api/visits/5", {"keep": True}, "unknown field 'keep', expected kept"),
        ("POST", "/api/press", {"x": 1}, "unknown field 'x', expected none"),
        ("POST", "/api/sinks/requeue", {"sink": "smoke"}, "expected one of mqtt"),
        ("POST", "/api/sinks/requeue", {"sink": 3}, "expected one of mqtt"),
    ],
)
def test_a_wrong_field_is_told(
    program: Program, method: str, path: str, value: object, message: str
) -> None:
    answer = program.send(method, path, value)
    assert answer.status == 422
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b" " * 20_000, "application/json", 413),
        (b"kept=1", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_object_is_refused(
    household: FakeHousehold, access: Access, body: bytes, kind: str, status: int
) -> None:
    token = access.accounts.add_token("t", "full", at=AT)
    answer = AsgiClient(app_of(household, access)).request(
        "POST", "/api/visits/5", body=body, content_type=kind, authorization=f"Bearer {token}"
    )
    assert answer.status == status
    assert "error" in answer.json()


def test_a_press_token_rings_and_does_nothing_else(
    household: FakeHousehold, access: Access
) -> None:
    button = Program(household, access, "press")
    answer = button.send("POST", "/api/press")
    assert (answer.status, answer.json()) == (202, {"schema": 1, "pressed": True})
    assert household.presses == ["http"]
    for path in ("/api/visits", "/", "/latest.jpg", "/metrics"):
        assert button.get(path).status == 403
    assert button.send("POST", "/api/visits/5", {"kept": True}).status == 403
    assert button.get("/healthz").json() == {"schema": 1, "ok": True}


def test_a_read_token_looks_and_changes_nothing(household: FakeHousehold, access: Access) -> None:
    reader = Program(household, access, "read")
    for path in ("/api/visits", "/latest.jpg", "/metrics", "/"):
        assert reader.get(path).status == 200
    for path in ("/api/press", "/api/visits/5", "/api/sinks/requeue"):
        assert reader.send("POST", path).status == 403
    assert reader.send("DELETE", "/api/visits/5").status == 403
    assert household.presses == []


def test_a_removed_token_opens_nothing(household: FakeHousehold, access: Access) -> None:
    reader = Program(household, access, "read")
    access.accounts.remove_token("test-read")
    assert reader.get("/api/now").status == 401


def test_without_such_a_trigger_nothing_rings(program: Program, household: FakeHousehold) -> None:
    household.rings = None
    assert program.send("POST", "/api/press").status == 409


def test_a_press_that_is_not_taken_is_refused(program: Program, household: FakeHousehold) -> None:
    household.rings = False
    answer = program.send("POST", "/api/press")
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert "try again" in answer.json()["error"]


def test_dead_letters_wait_again(program: Program) -> None:
    assert program.send("POST", "/api/sinks/requeue", {"sink": "mqtt"}).json()["requeued"] == 2
    assert program.get("/api/sinks").json()["sinks"][0]["waiting"] == 3


def test_healthz_tells_the_reasons_to_whom_may_read(
    program: Program, household: FakeHousehold
) -> None:
    household.health_state = HealthState(("camera door: no frame yet",))
    answer = program.get("/healthz")
    assert answer.status == 503
    assert answer.json() == {"schema": 1, "ok": False, "reasons": ["camera door: no frame yet"]}


def test_a_browser_changes_with_the_token_that_its_session_tells(
    household: FakeHousehold, access: Access
) -> None:
    browser = Browser(app_of(household, access))
    browser.log_in()
    session = browser.get("/api/session").json()
    assert session["account"] == "anna"
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    client = AsgiClient(browser.app)
    body, kind = b'{"kept": true}', "application/json"
    refused = client.request("POST", "/api/visits/5", body=body, content_type=kind, cookie=cookie)
    taken = client.request(
        "POST", "/api/visits/5", body=body, content_type=kind, cookie=cookie,
        x_form_token=session["form_token"],
    )  # fmt: skip
    assert (refused.status, taken.status) == (403, 200)


def test_filters(program: Program, household: FakeHousehold) -> None:
    household.stored[2] = replace(household.stored[2], kept=True)
    kept = program.get("/api/visits?only=kept&camera=door").json()["visits"]
    assert [visit["id"] for visit in kept] == [4]
    page = program.get("/api/visits?only=&camera=&day=2026-11-20&limit=2").json()
    assert page["next"] == "/api/visits?day=2026-11-20&before=5&limit=2"
    for query in ("only=x", "camera=garage", "day=20261120", "day=2026-02-30", "day=0001-01-01"):
        assert program.get(f"/api/visits?{query}").status == 400, query


def test_events_page_back(program: Program) -> None:
    first = program.get("/api/events?limit=2").json()
    assert [event["id"] for event in first["events"]] == [9, 8]
    assert program.get(first["next"]).json()["events"][0]["kind"] == "tampered"


def operations() -> Iterator[tuple[str, str]]:
    for path, item in document("edgecls")["paths"].items():
        for method in item:
            if method != "parameters":
                yield method.upper(), path


def test_the_document_has_every_route_and_no_other(household: FakeHousehold) -> None:
    routes = {
        (method, str(route.path).replace(":int", ""))
        for route in app_of(household).routes
        if isinstance(route, Route) and route.path.startswith(("/api/", "/healthz", "/metrics"))
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert set(operations()) == routes


BODIES = {
    "change_visit": {"kept": True},
    "requeue": {"sink": "mqtt"},
}


@pytest.mark.parametrize(("method", "path"), list(operations()))
def test_every_answer_is_as_the_document_says(
    program: Program, household: FakeHousehold, method: str, path: str
) -> None:
    household.state = NO_FRAME_YET
    described = document("edgecls")
    operation = described["paths"][path][method.lower()]
    target = path.replace("{number}", "5")
    answer = program.send(method, target, BODIES.get(operation["operationId"])) if (
        method != "GET"
    ) else program.get(target)  # fmt: skip
    content = operation["responses"][str(answer.status)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == "application/json":
        expect(answer.json(), content[kind]["schema"], described["components"]["schemas"])
    else:
        assert kind in content
    assert answer.status < 300


def expect(value: Any, schema: dict[str, Any], known: dict[str, Any], at: str = "") -> None:
    """Hold a value against the part of JSON Schema that our document uses."""
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        schema = next(
            one for one in schema["anyOf"] if (one == {"type": "null"}) == (value is None)
        )
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
             "number": (int, float), "null": type(None)}  # fmt: skip
    assert isinstance(value, kinds[schema["type"]]), at
    assert not (isinstance(value, bool) and schema["type"] in ("integer", "number")), at
    assert value in schema.get("enum", [value]), at
    assert value == schema.get("const", value), at
    for name in schema.get("required", []):
        assert name in value, f"{at}.{name}"
    if schema.get("additionalProperties") is False:
        assert set(value) <= set(schema["properties"]), at
        for name, item in value.items():
            expect(item, schema["properties"][name], known, f"{at}.{name}")
    for number, item in enumerate(value if "items" in schema else []):
        expect(item, schema["items"], known, f"{at}[{number}]")
