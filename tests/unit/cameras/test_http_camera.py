"""The snapshot camera against a small server of our own, well-behaved and not."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import pytest
from pydantic import SecretStr

from edgecls.cameras.http import PICTURE_BYTES_MAX, HttpCamera
from edgecls.errors import CameraError
from edgecls.sections.camera import HttpCameraSection
from edgecls.testing.camera import picture

USER, PASSWORD = "door", "p@ss:wörd"
JPEG = cv2.imencode(".jpg", picture(90))[1].tobytes()
PNG = cv2.imencode(".png", picture(91))[1].tobytes()

Answer = Callable[[BaseHTTPRequestHandler], None]


def send(handler: BaseHTTPRequestHandler, code: int, body: bytes, **headers: str) -> None:
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def jpeg(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, JPEG)


def png(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, PNG, Content_Length=str(len(PNG)))


def basic(handler: BaseHTTPRequestHandler) -> None:
    expected = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if handler.headers.get("Authorization") == expected:
        jpeg(handler)
    else:
        send(handler, 401, b"", WWW_Authenticate='Basic realm="camera"')


def digest(handler: BaseHTTPRequestHandler, algorithm: str = "MD5") -> None:
    """RFC 7616 without qop, checked as a camera does."""
    given = dict(re.findall(r'(\w+)="([^"]*)"', handler.headers.get("Authorization", "")))

    def hashed(text: str) -> str:
        return hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest()

    who = hashed(f"{USER}:camera:{PASSWORD}")
    expected = hashed(f"{who}:n0nce:{hashed('GET:' + given.get('uri', ''))}")
    if given.get("response") == expected and given["uri"] == handler.path:
        jpeg(handler)
    else:
        challenge = f'Digest realm="camera", nonce="n0nce", algorithm={algorithm}'
        send(handler, 401, b"", WWW_Authenticate=challenge)


def digest_sha256(handler: BaseHTTPRequestHandler) -> None:
    digest(handler, "SHA-256")


def digest_unknown(handler: BaseHTTPRequestHandler) -> None:
    challenge = 'Digest realm="camera", nonce="n0nce", algorithm=SHA3-512'
    send(handler, 401, b"", WWW_Authenticate=challenge)


def page(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b"<html>log in first</html>")


def missing(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 404, b"")


def failing(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 503, b"")


def broken_off(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, JPEG[:50], Content_Length=str(len(JPEG)))


def endless(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b"")
    for _ in range(PICTURE_BYTES_MAX // 2**20 + 2):
        handler.wfile.write(bytes(2**20))


def silent(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read(1)  # until the client gives up


def dripping(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, b"")
    for _ in range(400):
        handler.wfile.write(b"\xff")
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Return a function that serves an answer and gives its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    answer(self)
                except OSError:
                    self.close_connection = True  # the client had enough

            def log_message(self, *_: Any) -> None:  # Any: as http.server declares it
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/shot.jpg?quality=high"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def camera(url: str, *, password: str | None = None, user: str | None = None) -> HttpCamera:
    secret = None if password is None else SecretStr(password)
    return HttpCamera(HttpCameraSection(kind="http", source=url, user=user, password=secret))


@pytest.mark.parametrize(("answer", "level"), [(jpeg, 90), (png, 91)])
def test_each_read_fetches_a_picture(
    serve: Callable[[Answer], str], answer: Answer, level: int
) -> None:
    with camera(serve(answer)) as opened:
        frames = [opened.read(10) for _ in range(2)]
    assert [frame.sequence for frame in frames] == [0, 1]
    assert frames[0].pixels.shape == (48, 64, 3)
    assert abs(int(frames[0].pixels[0, 0, 0]) - level) <= 1


@pytest.mark.parametrize("answer", [digest, digest_sha256, basic])
def test_basic_and_digest_passwords_open_it(serve: Callable[[Answer], str], answer: Answer) -> None:
    url = serve(answer)
    with camera(url, user=USER, password=PASSWORD) as opened:
        assert opened.read(10).sequence == 0
    with camera(url.replace("//", "//door:p%40ss%3Aw%C3%B6rd@")) as opened:
        assert opened.read(10).sequence == 0


def test_a_wrong_password_is_tried_once_lest_the_camera_locks_up(
    serve: Callable[[Answer], str],
) -> None:
    tries = []

    def counted(handler: BaseHTTPRequestHandler) -> None:
        tries.append("Authorization" in handler.headers)
        digest(handler)

    url = serve(counted)
    with camera(url, user=USER, password="wrong") as opened, pytest.raises(CameraError):
        opened.read(10)
    assert tries == [False, True]


def test_a_password_is_not_sent_to_another_host(serve: Callable[[Answer], str]) -> None:
    seen = []

    def thief(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        basic(handler)

    stolen = serve(thief)
    url = serve(lambda handler: send(handler, 302, b"", Location=stolen))
    with camera(url, user=USER, password=PASSWORD) as opened, pytest.raises(CameraError):
        opened.read(10)
    assert seen == [None]


@pytest.mark.parametrize("answer", [digest, basic, digest_unknown])
def test_a_wrong_password_is_told_and_not_shown(
    serve: Callable[[Answer], str], answer: Answer
) -> None:
    with (
        camera(serve(answer), user=USER, password="hunter2") as opened,
        pytest.raises(CameraError, match=r"refused the user or the password \(401") as caught,
    ):
        opened.read(10)
    assert "hunter2" not in caught.value.message + str(caught.value.hint)
    assert "quality" not in caught.value.message  # a query may hold a password too
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (missing, "404"),
        (failing, "answered .503"),
        (page, "not an image"),
        (broken_off, "broke off after 50 bytes"),
        (endless, "expected one picture"),
        (silent, r"no picture within 0\.3 s"),
        (dripping, r"no picture within 0\.3 s"),
    ],
)
def test_what_is_no_picture_is_told_in_one_line_with_a_hint(
    serve: Callable[[Answer], str], answer: Answer, says: str
) -> None:
    timeout_s = 0.3 if answer in (silent, dripping) else 20
    with camera(serve(answer)) as opened, pytest.raises(CameraError, match=says) as caught:
        opened.read(timeout_s)
    assert "\n" not in caught.value.message
    assert caught.value.hint
