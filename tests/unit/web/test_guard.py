"""Who may ask the page what, and what its answers forbid."""

from __future__ import annotations

import pytest

from edgecls.web.addresses import Hosts, is_loopback, own_addresses, own_names
from edgecls.web.app import Frontage
from tests.asgi_client import AsgiClient
from tests.household import FakeHousehold, past_visits
from tests.page import app_of

PATHS = ["/", "/visits", "/visits/1", "/latest.jpg", "/api/now", "/static/page.css", "/nowhere"]


@pytest.fixture
def client() -> AsgiClient:
    app = app_of(FakeHousehold(stored=past_visits(3)))
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


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_other_methods_are_unknown(client: AsgiClient, method: str) -> None:
    for path in PATHS:
        answer = client.request(method, path)
        assert answer.status == 405
        assert answer.headers["allow"] == "GET, HEAD, POST, DELETE"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_can_only_be_read_is_not_changed(client: AsgiClient, method: str) -> None:
    for path in ("/", "/visits", "/latest.jpg", "/static/page.css"):
        assert client.request(method, path).status == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site", "origin": "http://127.0.0.1:8080"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "http://127.0.0.1:8080"}, 415),  # ours: refused for another reason only
        ({"origin": "null"}, 415),
        ({"sec_fetch_site": "same-origin", "origin": "null"}, 415),
        ({}, 415),
    ],
)
def test_another_site_may_change_nothing(
    client: AsgiClient, headers: dict[str, str], status: int
) -> None:
    answer = client.request("POST", "/visits/1/keep", **headers)
    assert answer.status == status


def test_beyond_loopback_addresses_and_known_names_are_answered() -> None:
    hosts = Hosts(loopback=False, names=("door.example",))
    own = own_names()
    for host in ("192.168.1.20:8080", "[fd00::1]:8080", "door.example", "Door.Example:443", own[0]):
        assert hosts.known(host), host
    for host in ("evil.example", "fd00::1", "[192.168.1.20]", "192.168.1.20.evil.example", ""):
        assert not hosts.known(host), host
    assert not any(is_loopback(address) for address in own_addresses())


@pytest.mark.parametrize(
    ("address", "here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True),
     ("192.168.1.2", False), ("::ffff:192.168.1.2", False), ("", False), ("localhost", False)],
)  # fmt: skip
def test_a_peer_on_this_machine(address: str, here: bool) -> None:
    assert is_loopback(address) is here


def test_hsts_is_told_where_asked_for() -> None:
    household = FakeHousehold()
    plain = AsgiClient(app_of(household))
    strict = AsgiClient(app_of(household, frontage=Frontage(Hosts(loopback=True), hsts=True)))
    assert "strict-transport-security" not in plain.get("/").headers
    assert strict.get("/").headers["strict-transport-security"] == "max-age=31536000"


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
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "cache-control" in headers
