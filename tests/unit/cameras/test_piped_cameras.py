"""The cameras behind programs: right pictures, and each way in which such a program fails."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgecls import plugins
from edgecls.cameras import CAMERAS
from edgecls.cameras.child import ChildProgram
from edgecls.daemon.capture import Capture
from edgecls.errors import CameraError, EdgeclsError, MissingDependencyError
from edgecls.ports import Camera
from edgecls.sections.camera import CAMERA_SECTIONS
from edgecls.testing.camera import picture
from tests.camera_programs import install, path_with

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = {"picamera": "rpicam-vid", "jetson_csi": "gst-launch-1.0"}
WAIT_S = 20.0
KINDS = sorted(PROGRAM)


def the_camera(
    monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str, behaviour: str, **fields: object
) -> Camera:
    install(folder, PROGRAM[kind], behaviour)
    monkeypatch.setenv("PATH", path_with(folder))
    section = CAMERA_SECTIONS[kind].model_validate({"kind": kind, "sensor_fps": 50, **fields})
    camera: Camera = plugins.load("camera", CAMERAS, kind)(section)
    return camera


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()


def wait_until_gone(pid: int) -> bool:
    end_s = time.monotonic() + WAIT_S
    while is_alive(pid) and time.monotonic() < end_s:
        time.sleep(0.02)
    return not is_alive(pid)


def read_on(camera: Camera, timeout_s: float) -> None:
    """Read until the camera fails."""
    while True:
        camera.read(timeout_s)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_those_of_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    greys = [int(picture(30 * number)[0, 0, 0]) for number in range(8)]
    with the_camera(monkeypatch, tmp_path, kind, "steady", rotation=180) as camera:
        frames = [camera.read(WAIT_S) for _ in range(5)]
        pid = int((tmp_path / "pid").read_text())
        assert is_alive(pid)
    for frame in frames:
        assert frame.pixels.shape == (48, 64, 3)
        assert np.ptp(frame.pixels) <= 2  # JPEG of one grey
        assert min(abs(int(frame.pixels.mean()) - grey) for grey in greys) <= 1
    assert [f.sequence for f in frames] == sorted({f.sequence for f in frames})
    assert wait_until_gone(pid)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_picture_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    with the_camera(monkeypatch, tmp_path, kind, "damaged") as camera:
        assert all(camera.read(WAIT_S).pixels.shape == (48, 64, 3) for _ in range(4))


FAULTS = [
    ("picamera", "no camera", CameraError, "sees no camera on its connector"),
    ("picamera", "busy", CameraError, "another program uses the camera"),
    ("picamera", "die", CameraError, "ended by SIGSEGV"),
    ("picamera", "garbage", CameraError, "no JPEG"),
    ("jetson_csi", "no camera", CameraError, "sees no camera of this number"),
    ("jetson_csi", "busy", CameraError, "another program uses the camera"),
    ("jetson_csi", "no daemon", CameraError, "camera service does not answer"),
    ("jetson_csi", "no element", MissingDependencyError, "lacks NVIDIA's elements"),
    ("jetson_csi", "die", CameraError, "ended by SIGSEGV"),
]


@pytest.mark.parametrize(("kind", "behaviour", "error", "words"), FAULTS)
def test_a_program_that_fails_is_told_in_a_persons_words(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
    behaviour: str,
    error: type[EdgeclsError],
    words: str,
) -> None:
    with (
        pytest.raises(error, match=words) as caught,
        the_camera(monkeypatch, tmp_path, kind, behaviour) as camera,
    ):
        read_on(camera, WAIT_S)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert wait_until_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_that_hangs_is_noticed_and_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    with the_camera(monkeypatch, tmp_path, kind, "hang") as camera:
        camera.read(WAIT_S)
        with pytest.raises(CameraError, match=r"no frame within 0.3 s"):
            read_on(camera, 0.3)
        pid = int((tmp_path / "pid").read_text())
        assert is_alive(pid)
    assert wait_until_gone(pid)


def test_the_older_name_of_the_program_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    camera = the_camera(monkeypatch, tmp_path, "picamera", "steady")
    (tmp_path / "rpicam-vid").rename(tmp_path / "libcamera-vid")
    with camera:
        assert camera.read(WAIT_S).pixels.shape == (48, 64, 3)


def test_without_any_program_the_hint_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for kind, package in (("picamera", "rpicam-apps-lite"), ("jetson_csi", "gstreamer1.0-tools")):
        fields = {"kind": kind} | ({"fallback": "/dev/no-video"} if kind == "picamera" else {})
        section = CAMERA_SECTIONS[kind].model_validate(fields)
        camera: Camera = plugins.load("camera", CAMERAS, kind)(section)
        with pytest.raises(MissingDependencyError, match="installed") as caught, camera:
            pass
        assert package in str(caught.value.hint)


def test_without_a_program_a_pi_falls_back_to_v4l2_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    fields = {"kind": "picamera", "fallback": "/dev/null"}  # there, and no camera
    section = CAMERA_SECTIONS["picamera"].model_validate(fields)
    camera: Camera = plugins.load("camera", CAMERAS, "picamera")(section)
    with caplog.at_level(logging.WARNING), pytest.raises(CameraError, match="/dev/null"), camera:
        pass
    assert "neither rpicam-vid nor libcamera-vid is installed, using /dev/null" in caplog.text


@pytest.mark.parametrize("behaviour", ["steady", "hang"])
def test_the_program_dies_with_a_capture_process_that_is_killed(
    tmp_path: Path, behaviour: str
) -> None:
    install(tmp_path, "rpicam-vid", behaviour)
    code = (
        "import sys, time; from types import SimpleNamespace as S; "
        "from edgecls.cameras.picamera import PicameraCamera as P; "
        "c = P(S(name='d', index=0, width=64, height=48, sensor_fps=50, rotation=0, quality=90)); "
        "c.__enter__(); c.read(20); print('reads', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PATH": path_with(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"reads\n"
        pid = int((tmp_path / "pid").read_text())
        assert is_alive(pid)
        holder.send_signal(signal.SIGKILL)
    assert wait_until_gone(pid)


def test_the_daemons_capture_starts_the_program_again_and_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(tmp_path, "rpicam-vid", "steady")
    monkeypatch.setenv("PATH", path_with(tmp_path))
    fields = {"kind": "picamera", "fps": 30, "sensor_fps": 50, "restart_min_s": 0.05}
    with Capture(CAMERA_SECTIONS["picamera"].model_validate(fields)) as camera:
        camera.read(WAIT_S)
        first = int((tmp_path / "pid").read_text())
        os.kill(parent_of(first), signal.SIGKILL)
        assert wait_until_gone(first)
        second = first
        while second == first:
            camera.read(WAIT_S)
            second = int((tmp_path / "pid").read_text())
    assert wait_until_gone(second)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_child_program_may_be_closed_twice_and_keeps_its_last_words() -> None:
    script = "import sys; sys.stdout.write('data'); sys.stderr.write('one\\n\\x1b[31mtwo')"
    child = ChildProgram([sys.executable, "-c", script])
    data = b""
    while (piece := child.read(WAIT_S)) is not None:
        data += piece
    assert data == b"data"
    assert child.said == ("one", "two")
    assert child.how_it_ended() == "ended with code 0"
    child.close()
    assert child.read(0) is None
