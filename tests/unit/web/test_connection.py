"""A connection that asks nothing gives its place back; one that is answered keeps it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from edgecls.sections.web import WebSection
from edgecls.types import Visit
from edgecls.web.connection import REQUEST_S, BoundedProtocol, Sent, sent
from edgecls.web.server import CONNECTIONS_MAX, PageServer
from tests.household import FakeHousehold

HASTY_S = 0.4
HEAD = b"Host: 127.0.0.1\r\n"
ASK = b"GET /api/now HTTP/1.1\r\n" + HEAD + b"\r\n"
HALF_POST = b"POST /api/press HTTP/1.1\r\n" + HEAD + b"Content-Length: 100\r\n\r\n{"
PATIENCE_S = 20.0
BIG_BYTES = 24_000_000


class Hasty(BoundedProtocol):
    """Lets nobody be silent for long."""

    request_s = HASTY_S


def page(
    folder: Path,
    household: FakeHousehold | None = None,
    *,
    protocol: type[BoundedProtocol] = Hasty,
    **table: Any,
) -> PageServer:
    section = WebSection.model_validate({"port": 0, "login": False, "live_fps": 10.0, **table})
    return PageServer(household or FakeHousehold(), section, folder, protocol=protocol)


@contextlib.contextmanager
def connected(server: PageServer) -> Iterator[socket.socket]:
    """Connect; with TLS, when the page has it."""
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
        if not server.url.startswith("https"):
            yield plain
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain) as wrapped:
            yield wrapped


def status_of(connection: socket.socket, ask: bytes = ASK) -> int:
    connection.sendall(ask)
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        response.read()
        return response.status


def is_cut(connection: socket.socket, drip: bytes) -> bool:
    """Wait for the end, sending `drip` a byte at a time; tell whether it came."""
    until_s = time.monotonic() + PATIENCE_S
    connection.settimeout(0.05)
    while time.monotonic() < until_s:
        if _has_ended(connection, drip[:1]):
            return True
        drip = drip[1:]
    return False


def _has_ended(connection: socket.socket, drop: bytes) -> bool:
    try:
        connection.sendall(drop)
        return not connection.recv(65_536)
    except TimeoutError:
        return False
    except OSError:
        return True


def test_half_a_minute_is_given() -> None:
    assert BoundedProtocol.request_s == REQUEST_S == 30.0


@pytest.mark.parametrize("tls", ["off", "generated"])
def test_who_never_asks_gives_the_place_back(tmp_path: Path, tls: str) -> None:
    with page(tmp_path, tls=tls) as server, contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS_MAX):
            stack.enter_context(connected(server))
        until_s = time.monotonic() + PATIENCE_S
        status = 503
        while status == 503 and time.monotonic() < until_s:
            with connected(server) as asking:
                status = status_of(asking)
            time.sleep(0.05)
        assert status == 200


@pytest.mark.parametrize(
    ("sent", "drip"),
    [(b"", b""), (b"GET / HTTP/1.1\r\n", b""), (b"GET / HTTP/1.1\r\n", b"X-Slow: " + b"y" * 999),
     (HALF_POST, b""), (HALF_POST, b"y" * 99), (ASK, b"GET /" + b"y" * 999)],
    ids=["nothing", "half a head", "a head by drops", "half a body", "a body by drops",
         "a second head by drops"],
)  # fmt: skip
def test_half_a_request_is_none(tmp_path: Path, sent: bytes, drip: bytes) -> None:
    with page(tmp_path) as server, connected(server) as slow:
        began_s = time.monotonic()
        slow.sendall(sent)
        assert is_cut(slow, drip)
        assert time.monotonic() - began_s >= HASTY_S * 0.9  # clocks of two threads


def test_who_keeps_asking_keeps_the_connection(tmp_path: Path) -> None:
    with page(tmp_path) as server, connected(server) as busy:
        for _ in range(8):
            assert status_of(busy) == 200
            time.sleep(HASTY_S / 4)


def test_a_live_picture_goes_on(tmp_path: Path) -> None:
    with page(tmp_path) as server, connected(server) as viewer:
        viewer.sendall(b"GET /live HTTP/1.1\r\n" + HEAD + b"\r\n")
        until_s = time.monotonic() + 3 * HASTY_S
        while time.monotonic() < until_s:
            assert viewer.recv(65_536)


class SlowDisk(FakeHousehold):
    """Its visits do not come until the test lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def visits(self, **query: Any) -> Sequence[Visit]:
        assert self.released.wait(PATIENCE_S)
        return super().visits(**query)


def test_who_waits_for_a_slow_answer_gets_it(tmp_path: Path) -> None:
    household = SlowDisk()
    with page(tmp_path, household) as server, connected(server) as waiting:
        threading.Timer(2 * HASTY_S, household.released.set).start()
        assert status_of(waiting, b"GET /api/visits HTTP/1.1\r\n" + HEAD + b"\r\n") == 200


class BigPicture(FakeHousehold):
    """Its newest picture is more than every buffer on the way holds."""

    def latest_jpeg(self, camera: str) -> bytes:
        return bytes(BIG_BYTES)


class Told(Hasty):
    """Tells the test that a connection has ended."""

    ended: ClassVar[threading.Event]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.ended.set()


class Polite(Told):
    """Would like to close soon after an answer; notes each time whether it did."""

    closes: ClassVar[list[bool]]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive = HASTY_S / 4  # type: ignore[assignment]

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.closes.append(self.transport.is_closing())


@contextlib.contextmanager
def big_answer(
    folder: Path, *, head: bytes = b"", tls: str = "off", protocol: type[Told] = Told
) -> Iterator[socket.socket]:
    """Ask for the big picture; `Told.ended` is set when the page lets go."""
    Told.ended = threading.Event()
    with (
        page(folder, BigPicture(), protocol=protocol, tls=tls) as server,
        connected(server) as connection,
    ):
        connection.sendall(b"GET /latest.jpg HTTP/1.1\r\n" + HEAD + head + b"\r\n")
        yield connection


def read_slowly(connection: socket.socket) -> int:
    """Read an answer in more than twice the time in which a request must be whole."""
    read = 0
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        while chunk := response.read(BIG_BYTES // 24):
            read += len(chunk)
            time.sleep(HASTY_S / 8)
    return read


@pytest.mark.parametrize("tls", ["off", "generated"])
@pytest.mark.parametrize("head", [b"", b"Connection: close\r\n"], ids=["kept", "close"])
def test_a_slow_reader_gets_it_all(tmp_path: Path, head: bytes, tls: str) -> None:
    with big_answer(tmp_path, head=head, tls=tls) as slow:
        began_s = time.monotonic()
        assert read_slowly(slow) == BIG_BYTES
        assert time.monotonic() - began_s > 2 * HASTY_S


def test_no_end_is_begun_while_an_answer_is_being_taken(tmp_path: Path) -> None:
    """TLS has half a minute for its end, whatever is still to be sent."""
    Polite.closes = []
    with big_answer(tmp_path, tls="generated", protocol=Polite) as slow:
        assert read_slowly(slow) == BIG_BYTES
        slow.close()
        assert Told.ended.wait(PATIENCE_S)
    assert not any(Polite.closes[:2])
    assert len(Polite.closes) > 2


@pytest.mark.parametrize("tls", ["off", "generated"])
@pytest.mark.parametrize("head", [b"", b"Connection: close\r\n"], ids=["kept", "close"])
def test_who_takes_nothing_is_cut(tmp_path: Path, head: bytes, tls: str) -> None:
    with big_answer(tmp_path, head=head, tls=tls):
        assert Told.ended.wait(PATIENCE_S)


class Emulated:
    """A socket under an emulator of user programs, which knows options of one word only."""

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        return b"\x01\x00\x00\x00"


def test_where_the_kernel_tells_nothing_nothing_waits() -> None:
    closed = socket.socket()
    closed.close()
    for connection in (Emulated(), closed, None):
        assert sent(asyncio.BaseTransport({"socket": connection})) == Sent()


def test_a_handshake_that_never_begins_takes_no_place(tmp_path: Path) -> None:
    with page(tmp_path, tls="generated") as server, contextlib.ExitStack() as stack:
        port = int(server.url.rpartition(":")[2])
        for _ in range(CONNECTIONS_MAX + 4):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        with connected(server) as asking:
            assert status_of(asking) == 200
