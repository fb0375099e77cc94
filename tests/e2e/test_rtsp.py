"""Capture on a real RTSP server, over a line that breaks in every way a network camera's does."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest

from edgecls.daemon.capture import Capture
from edgecls.errors import CameraError
from edgecls.sections.camera import RtspCameraSection
from edgecls.types import Frame
from tests.streams import RtspServer, Talker, make_clip, tap, why_no_rtsp

pytestmark = pytest.mark.skipif(why_no_rtsp() is not None, reason=str(why_no_rtsp()))

PATIENCE_S = 45.0
PASSWORD = "p@ss:w/r%d #1?&é"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "small.h264")


@pytest.fixture(scope="module")
def server(clip: Path) -> Iterator[RtspServer]:
    with RtspServer(clip) as running:
        yield running


def opened(source: str, **fields: object) -> Capture:
    """Return a capture of `source` that gives up and comes back quickly."""
    values = {
        "fps": 30,
        "open_timeout_s": 15,
        "frame_timeout_s": 3,
        "restart_min_s": 0.05,
        "restart_max_s": 0.2,
        **fields,
    }
    return Capture(RtspCameraSection.model_validate({"kind": "rtsp", "source": source, **values}))


def failure_of(capture: Capture) -> CameraError:
    """Read until the camera has failed; return what the reader is told."""
    end_s = time.monotonic() + PATIENCE_S
    while capture.counters.last_error is None:
        assert time.monotonic() < end_s, "the camera did not fail"
        with contextlib.suppress(CameraError):
            capture.read(0.1)
    with pytest.raises(CameraError) as caught:
        capture.read(0.01)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def read(capture: Capture, count: int) -> list[Frame]:
    """Read so many frames, over failures and restarts."""
    frames: list[Frame] = []
    end_s = time.monotonic() + PATIENCE_S
    while len(frames) < count:
        assert time.monotonic() < end_s, f"only {len(frames)} frames: {capture.counters}"
        with contextlib.suppress(CameraError):
            frames.append(capture.read(1.0))
    return frames


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_a_password_of_odd_characters_opens_the_stream(clip: Path, auth: str) -> None:
    with RtspServer(clip, password=PASSWORD, auth=auth) as server:
        source = server.url.replace("//", "//door@")
        with opened(source, password=PASSWORD) as capture:
            assert read(capture, 1)[0].pixels.shape == (240, 320, 3)


def test_a_wrong_password_is_told_and_never_shown(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    with RtspServer(clip, password=PASSWORD) as server:
        source = server.url.replace("//", "//door@")
        with opened(source, password_file=secret) as capture:
            error = failure_of(capture)
    assert f"{server.url}: the camera refused the user or the password (401)" in error.message
    assert "hunter2" not in error.message + str(error.hint) + caplog.text


def test_a_wrong_path_and_a_closed_port_are_told_apart(server: RtspServer) -> None:
    with opened(f"rtsp://127.0.0.1:{server.port}/nothing") as capture:
        assert "no stream under this path (404)" in failure_of(capture).message
    with opened("rtsp://127.0.0.1:9/door") as capture:
        assert failure_of(capture).message.endswith("rtsp://127.0.0.1:9/door: connection refused")


def test_an_unknown_host_is_named() -> None:
    with opened("rtsp://no-such-camera.invalid/door") as capture:
        assert "the host 'no-such-camera.invalid' is unknown" in failure_of(capture).message


def test_keyframes_only_delivers_key_frames_and_nothing_else(server: RtspServer) -> None:
    with opened(server.url, keyframes_only=True) as capture:
        frames = read(capture, 4)
        skipped = capture.counters.skipped
    assert skipped == 0  # no other frame was ever decoded
    for one, other in pairwise(frames[1:]):
        assert other.captured_s - one.captured_s > 0.5  # the clip has one key frame per second


def test_a_slow_reader_sees_the_present(server: RtspServer) -> None:
    with opened(server.url) as capture:
        read(capture, 1)
        for _ in range(2):
            start_s = time.monotonic()
            time.sleep(2.0)
            assert capture.read(PATIENCE_S).captured_s > start_s + 0.5  # a backlog begins at 0


def test_frames_come_back_when_the_server_does(clip: Path) -> None:
    with RtspServer(clip) as server, opened(server.url) as capture:
        last = read(capture, 3)[-1]
        server.stop()
        assert "connection refused" in failure_after_the_break(capture)
        server.start()
        again = read(capture, 3)
        assert again[0].sequence > last.sequence
        assert capture.counters.restarts >= 1


def failure_after_the_break(capture: Capture) -> str:
    """Read until the server is found to be gone; return the reason."""
    end_s = time.monotonic() + PATIENCE_S
    while "refused" not in (capture.counters.last_error or ""):
        assert time.monotonic() < end_s, f"nothing was noticed: {capture.counters}"
        with contextlib.suppress(CameraError):
            capture.read(0.1)
    return capture.counters.last_error or ""


def test_the_resolution_may_change_in_mid_stream(clip: Path, tmp_path: Path) -> None:
    other = make_clip(tmp_path / "other.h264", size="640x360", seconds=1)
    first = make_clip(tmp_path / "first.h264", size="320x240", seconds=1)
    with RtspServer(first, other) as server, opened(server.url) as capture:
        shapes = set()
        end_s = time.monotonic() + PATIENCE_S
        while len(shapes) < 2:
            assert time.monotonic() < end_s, f"only {shapes}"
            shapes.add(read(capture, 1)[0].pixels.shape)
        assert shapes == {(240, 320, 3), (360, 640, 3)}


@pytest.mark.parametrize("then", ["close", "hang", "garble"])
def test_a_line_that_breaks_in_mid_frame_is_noticed_and_taken_up_again(
    server: RtspServer, then: Literal["close", "hang", "garble"]
) -> None:
    talk = tap(server.port, bytes_before=60_000, then=then)
    with (
        Talker(talk) as line,
        opened(f"rtsp://127.0.0.1:{line.port}/door", frame_timeout_s=1.5) as capture,
    ):
        read(capture, 2)
        error = failure_of(capture)
        assert any(word in error.message for word in ("stream", "no frame within", "silent"))
        restarts = capture.counters.restarts
        read(capture, 2)
        assert capture.counters.restarts >= max(1, restarts)


def babble(line: socket.socket) -> None:
    line.recv(1000)
    line.sendall(b"\x00\xfe\x01 no camera speaks like this \r\n\r\n" * 500)


def interleave_nonsense(line: socket.socket) -> None:
    while True:
        line.recv(1000)
        line.sendall(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n$\x00\xff\xff")


def say_nothing(line: socket.socket) -> None:
    while line.recv(1000):
        continue


@pytest.mark.parametrize(
    ("talk", "says"),
    [
        (babble, "is not RTSP"),
        (interleave_nonsense, "within 1 s"),
        (say_nothing, "within 1 s"),
    ],
)
def test_a_server_that_is_no_camera_fails_with_one_line(talk: object, says: str) -> None:
    assert callable(talk)
    with (
        Talker(talk) as line,
        opened(f"rtsp://127.0.0.1:{line.port}/door", open_timeout_s=1) as capture,
    ):
        assert says in failure_of(capture).message
