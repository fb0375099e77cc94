"""The webhook: signed, bounded in time, and honest about what may work later."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgecls.errors import ConfigError, SinkError
from edgecls.sections.sinks import WebhookSinkSection
from edgecls.sinks.dial import Address, Resolve, resolve
from edgecls.sinks.webhook import WebhookSink, signature
from edgecls.testing.door import NOON
from edgecls.types import Event
from edgecls.web.certificate_child import ensure
from tests.unit.sinks.dead_address import dead_address

CERTIFICATE, KEY = "certificate.pem", "key.pem"
SECRET = "0123456789abcdef-secret"
PRESSED = Event(7, "pressed", "door", NOON, 3, 0.91234, "a.jpg", True)


@dataclass
class Received:
    """A request as the receiver got it."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A web server that answers as a test says."""

    status: int = 200
    dribble: bool = False
    dribble_body: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    url: str = ""


@contextlib.contextmanager
def receiving(*, version: str = "HTTP/1.0", folder: Path | None = None) -> Iterator[Receiver]:
    """Serve on loopback. Args: folder: for the certificate of one that speaks TLS."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = version

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.received.append(Received(self.path, dict(self.headers), body))
            if made.dribble:
                self.dribble()
                return
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if made.dribble_body:
                self.dribble()

        def dribble(self) -> None:
            """Say something for half a minute."""
            with contextlib.suppress(OSError):
                for _ in range(600):
                    self.wfile.write(b"H")
                    time.sleep(0.05)

        def log_message(self, *_: Any) -> None:  # Any: as http.server declares it
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if folder is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        scheme = "http" if folder is None else "https"
        made.url = f"{scheme}://127.0.0.1:{server.server_port}/hook?key=1"
        yield made
        server.shutdown()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def sink(receiver: Receiver, *, resolve: Resolve = resolve, **fields: object) -> WebhookSink:
    known = {"kind": "webhook", "url": receiver.url, "secret": SECRET}
    section = WebhookSinkSection.model_validate({**known, **fields})
    return WebhookSink(section, now=lambda: NOON, resolve=resolve)


def test_the_event_arrives_signed(receiver: Receiver) -> None:
    with sink(receiver) as hook:
        hook.deliver(PRESSED, b"jpeg")
    (request,) = receiver.received
    assert request.path == "/hook?key=1"
    told = json.loads(request.body)
    assert told.pop("device").startswith("edgecls-")
    assert told == {
        "schema": 1, "id": 7, "kind": "pressed", "camera": "door",
        "at": "2026-11-20T12:00:00.000+00:00", "visit": 3, "score": 0.9123,
        "somebody": True, "detail": None,
    }  # fmt: skip
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Edgecls-Event-Id"] == "7"
    stamp = request.headers["Edgecls-Timestamp"]
    assert int(stamp) == NOON.timestamp()
    expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + request.body, hashlib.sha256)
    assert request.headers["Edgecls-Signature"] == f"sha256={expected.hexdigest()}"


def test_the_signature_is_of_the_time_and_every_byte() -> None:
    """The second line was made with: printf '1.{}' | openssl dgst -sha256 -hmac key"""
    assert signature("key", "1", b"{}") == (
        "sha256=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"
    )
    assert len({signature("key", stamp, body) for stamp in "12" for body in (b"{}", b"{} ")}) == 4


def test_the_picture_comes_along_where_it_is_wished(receiver: Receiver) -> None:
    with sink(receiver, pictures=True) as hook:
        hook.deliver(PRESSED, b"\xff\xd8jpeg")
        hook.deliver(PRESSED, None)
    first, second = (json.loads(request.body) for request in receiver.received)
    assert base64.b64decode(first["snapshot_jpeg_base64"]) == b"\xff\xd8jpeg"
    assert second["snapshot_jpeg_base64"] is None


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (410, False), (413, False), (301, False),
     (408, True), (429, True), (500, True), (502, True), (503, True)],
)  # fmt: skip
def test_an_answer_says_whether_to_try_again(
    receiver: Receiver, status: int, retryable: bool
) -> None:
    receiver.status = status
    with sink(receiver) as hook, pytest.raises(SinkError) as caught:
        hook.deliver(PRESSED, None)
    assert caught.value.retryable is retryable
    assert str(caught.value).endswith(f"/hook answered {status}, expected 200")
    assert "key=1" not in str(caught.value)


def test_no_redirect_is_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 307, {"Location": receiver.url}
    with sink(receiver) as hook, pytest.raises(SinkError, match="answered 307"):
        hook.deliver(PRESSED, None)
    assert len(receiver.received) == 1


def test_nobody_there_is_worth_another_try() -> None:
    with (
        sink(Receiver(url="http://127.0.0.1:9/hook")) as hook,
        pytest.raises(SinkError, match="Connection refused") as caught,
    ):
        hook.deliver(PRESSED, None)
    assert caught.value.retryable
    assert not caught.value.reached


def test_a_dead_address_leaves_time_for_one_that_lives(receiver: Receiver) -> None:
    with dead_address() as dead:

        def both(host: str, port: int) -> list[Address]:
            return [dead, *resolve(host, port)]

        with sink(receiver, timeout_s=2.0, resolve=both) as hook:
            hook.deliver(PRESSED, None)
    assert len(receiver.received) == 1


def test_a_connection_that_comes_too_late_is_not_used(receiver: Receiver) -> None:
    def late(host: str, port: int) -> list[Address]:
        time.sleep(0.3)
        return list(resolve(host, port))

    with (
        sink(receiver, timeout_s=0.2, resolve=late) as hook,
        pytest.raises(SinkError, match=r"/hook: no connection within 0.2 s$") as caught,
    ):
        hook.deliver(PRESSED, None)
    assert (caught.value.retryable, caught.value.reached) == (True, False)
    assert not receiver.received


def test_who_dribbles_a_handshake_is_cut_off() -> None:
    """The first record of a TLS answer is said to have 16 kB, and comes a byte at a time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def dribble() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"\x16\x03\x03\x40\x00")
                for _ in range(600):
                    connection.sendall(b"H")
                    time.sleep(0.05)

        threading.Thread(target=dribble, daemon=True).start()
        url, began_s = f"https://127.0.0.1:{listener.getsockname()[1]}/hook", time.monotonic()
        with sink(Receiver(url=url), timeout_s=0.3) as hook:
            with pytest.raises(SinkError, match=r"no connection within 0.3 s") as caught:
                hook.deliver(PRESSED, None)
            assert not caught.value.reached
        assert time.monotonic() - began_s < 10  # not the half minute that it would dribble


def test_an_address_of_ipv6_needs_no_port() -> None:
    asked = list[tuple[str, int]]()

    def nowhere(host: str, port: int) -> list[Address]:
        asked.append((host, port))
        return []

    for url in ("http://[::1]/hook", "https://[::1]/hook"):
        with sink(Receiver(url=url), resolve=nowhere) as hook, pytest.raises(SinkError, match="no"):
            hook.deliver(PRESSED, None)
    assert asked == [("::1", 80), ("::1", 443)]


def test_who_dribbles_an_answer_is_cut_off(receiver: Receiver) -> None:
    receiver.dribble = True
    began_s = time.monotonic()
    with sink(receiver, timeout_s=0.3) as hook:
        with pytest.raises(SinkError, match=r"no answer within 0.3 s") as caught:
            hook.deliver(PRESSED, None)
        assert caught.value.retryable
        assert caught.value.reached
    assert time.monotonic() - began_s < 10  # not the half minute that it would dribble


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(
    ("version", "headers"),
    [("HTTP/1.0", {}), ("HTTP/1.1", {"Connection": "close"}),
     ("HTTP/1.1", {"Content-Length": "600"})],
)  # fmt: skip
def test_who_dribbles_after_the_status_has_answered(
    tmp_path: Path, version: str, headers: dict[str, str], secure: bool
) -> None:
    """What ends with the connection has no end for http.client, which lets go of its socket."""
    folder = tmp_path if secure else None
    if secure:
        ensure(
            tmp_path / CERTIFICATE, tmp_path / KEY, ("127.0.0.1",), now=datetime.now(timezone.utc)
        )
    with receiving(version=version, folder=folder) as receiver:
        receiver.dribble_body, receiver.headers = True, headers
        trusted = tmp_path / CERTIFICATE if secure else None
        began_s = time.monotonic()
        with sink(receiver, timeout_s=0.5, ca_file=trusted) as hook:
            hook.deliver(PRESSED, None)
        assert time.monotonic() - began_s < 10  # not the half minute that it would dribble
        assert len(receiver.received) == 1


def test_a_refusal_that_dribbles_is_one(receiver: Receiver) -> None:
    receiver.status, receiver.dribble_body = 404, True
    with sink(receiver, timeout_s=0.3) as hook, pytest.raises(SinkError, match="404") as caught:
        hook.deliver(PRESSED, None)
    assert not caught.value.retryable


def test_the_secret_may_be_in_a_file(receiver: Receiver, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    with sink(receiver, secret=None, secret_file=path) as hook:
        hook.deliver(PRESSED, None)
    (request,) = receiver.received
    stamp = request.headers["Edgecls-Timestamp"]
    assert request.headers["Edgecls-Signature"] == signature(SECRET, stamp, request.body)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"secret": "too short"}, "has 9 characters, expected at least 16"),
        ({"secret": None, "secret_file": "/no/such/file"}, "cannot read secret_file /no/such"),
        ({"url": "https://a/b", "ca_file": "/no/such.pem"}, "cannot use ca_file /no/such.pem"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(fields: dict[str, object], message: str) -> None:
    hook = sink(Receiver(url="http://a/b"), **fields)
    with pytest.raises(ConfigError, match=message) as caught:
        hook.__enter__()
    assert caught.value.hint
