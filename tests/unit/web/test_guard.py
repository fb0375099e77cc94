"""Who may ask the page what, and what its answers forbid."""

from __future__ import annotations

import pytest

from edgecls.web.app import app_from_household
from tests.asgi_client import AsgiClient
from tests.household import FakeHousehold, past_visits

PATHS = ["/", "/visits", "/visits/1", "/latest.jpg", "/api/now", "/static/page.css", "/nowhere"]


@pytest.fixture
def client() -> AsgiClient:
    app = app_from_household(FakeHousehold(stored=past_visits(3)))
    return AsgiClient(app)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "localhost:9000", "LOCALHOST", "[::1]", "[::1]:8080"]
)
def test_the_names_of_this_machine_are_answered(client: AsgiClient, host: str) -> None:
    assert client.get("/", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8080",
        "127.0.0.1:8080@evil.example",
        "192.168.1.20:8080",
        "::1",
        "",
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_any_other_name_is_refused(client: AsgiClient, host: str, path: str) -> None:
    answer = client.get(path, host=host)
    assert answer.status == 421
    assert "http://127.0.0.1" in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", PATHS)
def test_only_looking_is_allowed(client: AsgiClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", PATHS)
def test_a_head_is_answered_as_a_get(client: AsgiClient, path: str) -> None:
    head, get = client.request("HEAD", path), client.get(path)
    assert (head.status, head.headers) == (get.status, get.headers)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example"])
def test_every_answer_carries_the_security_headers(
    client: AsgiClient, path: str, host: str
) -> None:
    headers = client.get(path, host=host).headers
    policy = headers["content-security-policy"]

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "cache-control" in headers
