"""The JSON for programs, and the pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.asgi_client import AsgiClient
from tests.household import (
    NO_FRAME_YET,
    PERSON,
    FakeHousehold,
    drawn_porch,
    open_visit,
    past_visits,
)
from tests.page import app_of


@pytest.fixture
def household() -> FakeHousehold:
    return FakeHousehold(state=PERSON, stored=[open_visit(6), *past_visits(5)])


@pytest.fixture
def client(household: FakeHousehold) -> AsgiClient:
    return AsgiClient(app_of(household))


def test_now(client: AsgiClient) -> None:
    assert client.get("/api/now").json() == {
        "schema": 1,
        "camera": "door",
        "state": "person",
        "score": 0.97,
        "since": "2026-11-20T13:04:48Z",
        "frame_age_s": 0.2,
        "problem": None,
        "tampered": None,
    }


def test_now_before_the_first_picture(client: AsgiClient, household: FakeHousehold) -> None:
    household.state = NO_FRAME_YET
    answer = client.get("/api/now").json()
    assert (answer["state"], answer["score"], answer["frame_age_s"]) == ("no_picture", None, None)


def test_health_has_every_field_and_unit(client: AsgiClient) -> None:
    answer = client.get("/api/health").json()
    assert answer["schema"] == 1
    assert answer["cameras"][0]["connected"] is True
    assert answer["inference_p50_ms"] == 17.3
    assert answer["memory_bytes"] == 118_000_000


def test_visits_page_back_to_the_first(client: AsgiClient) -> None:
    path = "/api/visits?limit=4"
    numbers = []
    while path:
        answer = client.get(path).json()
        numbers.append([visit["id"] for visit in answer["visits"]])
        path = answer["next"]
    assert numbers == [[6, 5, 4, 3], [2, 1]]


def test_an_open_and_an_ended_visit(client: AsgiClient) -> None:
    lasting, ended = client.get("/api/visits").json()["visits"][:2]

    assert (lasting["ended_at"], lasting["duration_s"]) == (None, None)
    assert ended == {
        "id": 5,
        "camera": "door",
        "started_at": "2026-11-20T12:58:00Z",
        "ended_at": "2026-11-20T12:58:09Z",
        "duration_s": 9.0,
        "peak_score": 0.99,
        "light": "day",
        "interrupted": False,
        "kept": False,
        "pressed": False,
        "correction": None,
        "snapshot": "/snapshots/20261120T120000000Z-00000000.jpg",
        "frames": [],
    }
    assert client.get(ended["snapshot"]).status == 200


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=-3", "limit="])
def test_a_wrong_parameter_is_told_as_json(client: AsgiClient, query: str) -> None:
    answer = client.get(f"/api/visits?{query}")
    assert answer.status == 400
    assert answer.json()["schema"] == 1
    assert "expected a whole number" in answer.json()["error"]


def test_an_unknown_path_of_the_api_is_json_too(client: AsgiClient) -> None:
    answer = client.get("/api/nothing")
    assert answer.status == 404
    assert answer.json() == {"schema": 1, "error": "There is no such page."}


def test_the_latest_picture_is_never_kept_but_recognised(
    client: AsgiClient, household: FakeHousehold
) -> None:
    first = client.get("/latest.jpg")
    again = client.get("/latest.jpg", if_none_match=first.headers["etag"])
    household.picture = drawn_porch(99)
    changed = client.get("/latest.jpg", if_none_match=first.headers["etag"])

    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["cache-control"] == "no-store"
    assert (again.status, again.content) == (304, b"")
    assert (changed.status, changed.content) == (200, drawn_porch(99))


def test_no_picture_yet(client: AsgiClient, household: FakeHousehold) -> None:
    household.picture = None
    assert client.get("/latest.jpg").status == 404


def test_a_snapshot_may_be_kept_for_ever(client: AsgiClient, household: FakeHousehold) -> None:
    answer = client.get(f"/snapshots/{household.stored[0].snapshot}")
    assert answer.content.startswith(b"\xff\xd8")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "name",
    [
        "gone.jpg",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2fedgecls.db",
        "%2fetc%2fpasswd",
        "..",
        "a%00.jpg",
    ],
)
def test_nothing_but_snapshots_comes_from_the_disk(client: AsgiClient, name: str) -> None:
    answer = client.get(f"/snapshots/{name}")
    assert answer.status == 404
    assert answer.headers.get("content-type") != "image/jpeg"
    assert b"root:" not in answer.content


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_static_files_are_linked_by_content(client: AsgiClient, name: str) -> None:
    page = client.get("/").text
    at = page.index(f"/static/{name}?v=")
    assert client.get(page[at : page.index('"', at)]).status == 200
    assert client.get("/static/..%2fapp.py").status == 404


def test_a_picture_that_is_gone_leaves_the_visit(
    client: AsgiClient, household: FakeHousehold
) -> None:
    household.stored[0] = replace(household.stored[0], snapshot=None)
    assert client.get("/api/visits").json()["visits"][0]["snapshot"] is None
