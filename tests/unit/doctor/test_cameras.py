"""The doctor on cameras: which one is there, and through which driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgecls.doctor.cameras import CHECKS, check_cameras
from edgecls.doctor.finding import Finding
from edgecls.sections.camera import CAMERA_SECTIONS
from tests.patients import patient_of, states, told
from tests.recorded_boards import LAPTOP, ORIN_NANO, PI_4, RecordedBoard

LISTED = """Available cameras
-----------------
0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
"""
RPICAM = {"rpicam-vid": "", "rpicam-hello --list-cameras": LISTED}


def found_camera(
    root: Path, recorded: RecordedBoard, camera: dict[str, Any] | None, **more: Any
) -> Finding:
    config = None if camera is None else {"camera": camera}
    findings = told(check_cameras(patient_of(root, recorded, config=config, **more)))
    (finding,) = findings.values()
    return finding


def test_every_kind_of_camera_has_a_check() -> None:
    assert set(CHECKS) == set(CAMERA_SECTIONS)


def test_a_pis_camera_is_listed_by_its_programs(tmp_path: Path) -> None:
    found = found_camera(tmp_path, PI_4, None, says=RPICAM)
    assert (found.state.value, found.text) == ("ok", "imx708, through rpicam-vid")


@pytest.mark.parametrize(
    ("says", "camera", "words"),
    [
        ({"rpicam-vid": "", "rpicam-hello --list-cameras": "No cameras available!\n"}, {}, "none"),
        (RPICAM, {"index": 1}, "sees no camera 1; it sees: imx708"),
        ({}, {}, "neither rpicam-vid nor libcamera-vid is installed"),
    ],
)
def test_a_pis_camera_that_is_not_there(
    tmp_path: Path, says: dict[str, str], camera: dict[str, Any], words: str
) -> None:
    found = found_camera(tmp_path, PI_4, {"kind": "picamera", **camera}, says=says)
    assert found.state.value == "fail"
    assert words in found.text


def test_a_pi_without_the_programs_may_use_v4l2(tmp_path: Path) -> None:
    found = found_camera(tmp_path, PI_4, {"kind": "picamera"}, files={"dev/video0": ""})
    assert found.state.value == "warn"
    assert "/dev/video0 is used" in found.text


def test_a_usb_camera_is_told_with_its_driver(tmp_path: Path) -> None:
    driver = tmp_path / "sys/bus/usb/drivers/uvcvideo"
    driver.mkdir(parents=True)
    device = tmp_path / "sys/class/video4linux/video0/device"
    device.mkdir(parents=True)
    (device / "driver").symlink_to(driver)
    files = {"dev/video0": "", "sys/class/video4linux/video0/name": "HD Webcam C270\n"}
    found = found_camera(tmp_path, LAPTOP, {"kind": "v4l2"}, files=files)
    assert found.text == "/dev/video0: HD Webcam C270, driver uvcvideo"


def test_a_usb_camera_that_is_unplugged(tmp_path: Path) -> None:
    files = {"dev/video2": ""}
    found = found_camera(tmp_path, LAPTOP, {"kind": "v4l2"}, files=files)
    assert (found.state.value, found.text) == (
        "fail",
        "there is no /dev/video0; present: /dev/video2",
    )


SENSOR = {"sys/class/video4linux/video0/name": "vi-output, imx219 9-0010\n"}
ARGUS = "systemctl is-active nvargus-daemon"


@pytest.mark.parametrize(
    ("files", "says", "state", "words"),
    [
        (SENSOR, {"gst-launch-1.0": "", ARGUS: "active\n"}, "ok", "imx219 9-0010, through nvargus"),
        (SENSOR, {"gst-launch-1.0": ""}, "fail", "service does not run"),
        ({}, {"gst-launch-1.0": "", ARGUS: "active\n"}, "fail", "the kernel knows: none"),
        (SENSOR, {}, "fail", "gst-launch-1.0 is not installed"),
    ],
)
def test_a_jetsons_camera(
    tmp_path: Path, files: dict[str, str], says: dict[str, str], state: str, words: str
) -> None:
    found = found_camera(tmp_path, ORIN_NANO, None, files=files, says=says)
    assert found.state.value == state
    assert words in found.text


def test_a_camera_that_the_board_lacks_is_named(tmp_path: Path) -> None:
    found = found_camera(tmp_path, PI_4, {"kind": "jetson_csi"})
    assert found.state.value == "fail"
    assert "none that a Raspberry Pi 4 has" in found.text
    assert "picamera" in str(found.fix)


def test_network_cameras_are_reached_at_their_port(tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []

    def connect(host: str, port: int, timeout_s: float) -> None:
        asked.append((host, port))
        if port == 8554:
            raise ConnectionRefusedError(111, "Connection refused")

    config = {
        "cameras": [
            {"kind": "rtsp", "name": "a", "source": "rtsp://me:secret@cam/stream"},
            {"kind": "rtsp", "name": "b", "source": "rtsp://cam:8554/stream"},
            {"kind": "http", "name": "c", "source": "https://cam/shot.jpg"},
        ]
    }
    findings = told(check_cameras(patient_of(tmp_path, PI_4, config=config, connect=connect)))
    assert asked == [("cam", 554), ("cam", 8554), ("cam", 443)]
    assert [finding.state.value for finding in findings.values()] == ["ok", "fail", "ok"]
    assert "secret" not in str(findings)


def test_files_and_the_demo_need_no_driver(tmp_path: Path) -> None:
    config = {
        "cameras": [
            {"kind": "replay", "name": "a", "source": str(tmp_path)},
            {"kind": "replay", "name": "b", "source": str(tmp_path / "none")},
        ]
    }
    found = states(check_cameras(patient_of(tmp_path, PI_4, config=config)))
    assert list(found.values()) == ["ok", "fail"]


def test_a_machine_of_which_nothing_is_known(tmp_path: Path) -> None:
    assert found_camera(tmp_path, LAPTOP, None).state.value == "skip"
