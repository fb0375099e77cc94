"""What every camera owes its reader: one suite over each row of the table, the fake and Capture."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from edgecls import plugins
from edgecls.cameras import CAMERAS
from edgecls.daemon.capture import Capture
from edgecls.errors import CameraEndedError, CameraError
from edgecls.ports import Camera
from edgecls.sections.camera import CAMERA_SECTIONS, DemoCameraSection
from edgecls.testing.camera import FakeCamera, picture
from tests.camera_programs import install, path_with, why_no_gstreamer
from tests.streams import RtspServer, make_clip, why_no_rtsp

WAIT_S = 20.0
MakeCamera = Callable[[], Camera]


def camera_of_kind(kind: str, **fields: object) -> Camera:
    """Build a row of the table from its section."""
    section = CAMERA_SECTIONS[kind].model_validate({"kind": kind, "fps": 30, **fields})
    camera: Camera = plugins.load("camera", CAMERAS, kind)(section)
    return camera


def a_fake(tmp_path: Path) -> Iterator[MakeCamera]:
    del tmp_path
    yield lambda: FakeCamera([picture(number) for number in range(9)])


def a_capture(tmp_path: Path) -> Iterator[MakeCamera]:
    del tmp_path
    section = DemoCameraSection(kind="demo", fps=30, open_timeout_s=60)
    yield lambda: Capture(section, leaf="edgecls.testing.camera:SteadyCamera")


def images(tmp_path: Path) -> Iterator[MakeCamera]:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(number))
    yield partial(camera_of_kind, "replay", source=tmp_path)


def video(tmp_path: Path) -> Iterator[MakeCamera]:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(picture(20 * number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    yield partial(camera_of_kind, "replay", source=path)


def http(tmp_path: Path) -> Iterator[MakeCamera]:
    del tmp_path
    jpeg = cv2.imencode(".jpg", picture(90))[1].tobytes()

    class Snapshot(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(jpeg)

        def log_message(self, *_: Any) -> None:  # Any: as http.server declares it
            return

    with HTTPServer(("127.0.0.1", 0), Snapshot) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/shot.jpg"
        yield partial(camera_of_kind, "http", source=url)
        server.shutdown()


def rtsp(tmp_path: Path) -> Iterator[MakeCamera]:
    if reason := why_no_rtsp():
        pytest.skip(reason)
    with RtspServer(make_clip(tmp_path / "clip.h264")) as server:
        yield partial(camera_of_kind, "rtsp", source=server.url)


def v4l2(tmp_path: Path) -> Iterator[MakeCamera]:
    del tmp_path
    devices = sorted(Path("/dev").glob("video*"))
    if not devices:
        pytest.skip("no camera is attached to this machine")
    yield partial(camera_of_kind, "v4l2", source=str(devices[0]))


def picamera(tmp_path: Path) -> Iterator[MakeCamera]:
    install(tmp_path, "rpicam-vid", "steady")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", path_with(tmp_path))
        yield partial(camera_of_kind, "picamera", sensor_fps=30)


def jetson_csi(tmp_path: Path) -> Iterator[MakeCamera]:
    if reason := why_no_gstreamer():
        pytest.skip(reason)
    install(tmp_path, "gst-launch-1.0", "real")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", path_with(tmp_path))
        yield partial(camera_of_kind, "jetson_csi", sensor_fps=30, width=320, height=240)


def demo(tmp_path: Path) -> Iterator[MakeCamera]:
    del tmp_path
    pytest.importorskip("skimage", reason="the demo extra is not installed")
    yield partial(camera_of_kind, "demo")


@pytest.fixture(
    params=[a_fake, a_capture, images, video, http, rtsp, v4l2, picamera, jetson_csi, demo]
)
def make_camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeCamera]:
    yield from request.param(tmp_path)


def test_it_is_a_camera(make_camera: MakeCamera) -> None:
    assert isinstance(make_camera(), Camera)


def test_frames_are_rgb_owned_by_the_reader_and_ever_newer(make_camera: MakeCamera) -> None:
    with make_camera() as camera:
        frames = [camera.read(WAIT_S) for _ in range(4)]
    for frame in frames:
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.ndim == 3
        assert frame.pixels.shape[2] == 3
        assert frame.pixels.flags.c_contiguous
        assert frame.captured_at.utcoffset() == timezone.utc.utcoffset(None)
        assert abs((datetime.now(timezone.utc) - frame.captured_at).total_seconds()) < 60
    times_s = [frame.captured_s for frame in frames]
    assert times_s == sorted(set(times_s))
    assert time.monotonic() - 60 < times_s[0] <= times_s[-1] <= time.monotonic() + 0.01
    numbers = [frame.sequence for frame in frames]
    assert numbers == sorted(set(numbers))
    assert numbers[0] >= 0
    for one, other in pairwise(frames):
        assert not np.shares_memory(one.pixels, other.pixels)


def test_closed_twice_is_closed(make_camera: MakeCamera) -> None:
    camera = make_camera()
    with camera:
        camera.read(WAIT_S)
    camera.close()
    camera.close()
    with pytest.raises(CameraError):
        camera.read(0.1)


def test_it_can_be_closed_before_any_frame_was_read(make_camera: MakeCamera) -> None:
    with make_camera():
        pass


MISSING = {
    "replay": {"source": "/no/such/folder"},
    "rtsp": {"source": "rtsp://127.0.0.1:9/door"},
    "v4l2": {"source": "/dev/video-none"},
    "http": {"source": "http://127.0.0.1:9/shot.jpg"},
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_camera_that_is_not_there_says_so_in_one_line_with_a_hint(kind: str) -> None:
    with pytest.raises(CameraError) as caught, camera_of_kind(kind, **MISSING[kind]) as camera:
        camera.read(2.0)
    assert "\n" not in caught.value.message
    assert str(MISSING[kind]["source"]).partition("@")[0] in caught.value.message
    assert caught.value.hint


def test_a_finite_source_ends_after_its_last_frame(tmp_path: Path) -> None:
    for make in (images, video):
        folder = tmp_path / make.__name__
        folder.mkdir()
        source = next(make(folder)).keywords["source"]  # type: ignore[attr-defined]
        with camera_of_kind("replay", source=source, loop=False, realtime=False) as camera:
            assert camera.read(WAIT_S).pixels.shape == (48, 64, 3)
            assert drained(camera) > 0
            with pytest.raises(CameraEndedError):
                camera.read(WAIT_S)


def drained(camera: Camera) -> int:
    """Read to the end; return how many frames there were."""
    count = 0
    with contextlib.suppress(CameraEndedError):
        while camera.read(WAIT_S):
            count += 1
    return count
