"""The page asked by anybody for anything: by nobody we know, and by somebody with every right."""

from __future__ import annotations

import json
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from edgecls.daemon.health import HealthState
from edgecls.web.source import Soundness
from tests.asgi_client import Answer, AsgiClient
from tests.fuzz.strategies import any_value, made, some_text
from tests.fuzz.target import Target
from tests.household import AT, FakeHousehold, past_visits
from tests.page import PASSWORD, access_for, app_of

METHODS = ("GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FUZZ")
PATHS = (
    "/", "/visits", "/visits/3", "/visits/3/keep", "/visits/3/correct", "/visits/3/delete",
    "/presses", "/device", "/device/requeue", "/model", "/live", "/latest.jpg", "/login",
    "/logout", "/account", "/account/password", "/static/page.css", "/snapshots/a.jpg",
    "/api/openapi.json", "/api/session", "/api/now", "/api/health", "/api/history", "/api/model",
    "/api/visits", "/api/visits/3", "/api/events", "/api/sinks", "/api/sinks/requeue",
    "/api/press", "/healthz", "/metrics",
)  # fmt: skip
QUERIES = ("limit", "before", "day", "camera", "only", "next", "after", "message")
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/a;b")
FIELDS = ("form_token", "name", "password", "next", "label", "kept", "sink", "correction", "old")
WORDS = (
    "1", "0", "-1", "24", "2026-11-20", "kept", "door", "../x", "//evil.example", "Bearer x",
    "Basic YTpi", "edgecls_session=x; a=b", "9" * 30, "bytes=0-", "https://evil.example",
)  # fmt: skip
OPEN = ("/login", "/healthz")
STATIC = "/static/"
STREAMS = ("/live",)  # these never end


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    body: bytes
    headers: dict[str, str]

    def sent_by(self, client: AsgiClient, **more: str) -> Answer:
        return client.request(self.method, self.target, body=self.body, **{**self.headers, **more})


class Untouchable:
    """A household of which nothing may be asked without a login."""

    def soundness(self) -> Soundness:  # /healthz is open to this machine
        return HealthState(())

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"asked the household for {name} without a login")


def by_nobody() -> Target:
    """Without a login nothing is shown and nothing is changed, whatever is asked."""
    folder = Path(tempfile.mkdtemp(prefix="edgecls-fuzz-"))
    access = access_for(folder, login=True)
    access.accounts.add("anna", PASSWORD, at=AT)
    before = access.accounts.all()
    client = AsgiClient(app_of(Untouchable(), access))  # type: ignore[arg-type]

    def check(request: Request) -> None:
        answer = request.sent_by(client)
        assert answer.status < 500, answer
        path = unquote(request.target.partition("?")[0])  # as the page reads it
        if path not in OPEN and not path.startswith(STATIC):
            assert answer.status >= 300, f"{request} was answered {answer.status}"
        assert access.accounts.all() == before

    return Target("HTTP, without a login", made(_request), check, 1.0)


def by_an_owner() -> Target:
    """With every right anything may be asked; nothing brings the page down."""
    folder = Path(tempfile.mkdtemp(prefix="edgecls-fuzz-"))
    access = access_for(folder, login=True)
    token = access.accounts.add_token("fuzz", "full", at=AT)

    def check(request: Request) -> None:
        if request.target.partition("?")[0].startswith(STREAMS):
            return
        client = AsgiClient(app_of(FakeHousehold(stored=past_visits(5)), access))
        answer = request.sent_by(client, authorization=f"Bearer {token}")
        assert answer.status < 500, answer
        if answer.headers.get("content-type", "").startswith("application/json"):
            json.loads(answer.content or b"{}")

    return Target("HTTP, with every right", made(_request), check, 1.0)


def _request(chance: random.Random) -> Request:
    path = chance.choice(PATHS)
    if chance.random() < 0.3:
        path = _bent(chance, path)
    if chance.random() < 0.5:
        words = (f"{chance.choice(QUERIES)}={quote(_word(chance))}" for _ in range(2))
        path = f"{path}?{'&'.join(words)}"
    headers = {}
    if chance.random() < 0.5:
        headers["content_type"] = chance.choice(TYPES)
    for name in ("cookie", "authorization", "x_form_token", "origin", "range", "host", "accept"):
        if chance.random() < 0.1:
            headers[name] = _word(chance).replace("\n", " ").replace("\r", " ")
    return Request(chance.choice(METHODS), path, _body(chance), headers)


def _bent(chance: random.Random, path: str) -> str:
    bends = (
        path + "/", "/" + path, path.upper(), path + "%00", path.replace("/", "//"),
        path.replace("3", "9" * 20), path.replace("3", "-1"), path + quote(some_text(chance)),
        path + "/../api/now", "/static/../api/now", "/static/%2e%2e/api/now", "/login/x",
        quote(path, safe=""),
    )  # fmt: skip
    return "/" + chance.choice(bends).lstrip("/") if chance.random() < 0.8 else chance.choice(bends)


def _word(chance: random.Random) -> str:
    return chance.choice((chance.choice(WORDS), some_text(chance)))


def _body(chance: random.Random) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        return b""
    if kind == 1:
        return chance.randbytes(chance.randrange(60))
    values = {chance.choice(FIELDS): any_value(chance) for _ in range(chance.randrange(4))}
    if kind == 2:
        return json.dumps(values).encode()
    return "&".join(f"{key}={quote(str(value))}" for key, value in values.items()).encode()
