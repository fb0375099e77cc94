"""What the stream cameras decide without a stream: addresses, lag, reasons for a device."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from pydantic import SecretStr

from edgecls.cameras.address import (
    credentials_from_url,
    password_of,
    public_url,
    url_with_password,
)
from edgecls.cameras.decoding import LAG_MAX_S, PATIENCE_S, Lag, Pace
from edgecls.cameras.v4l2 import complaint
from edgecls.errors import CameraError
from edgecls.sections.camera import RtspCameraSection


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://cam/live", "rtsp://cam/live"),
        ("rtsp://me:secret@cam:8554/live?token=x#y", "rtsp://cam:8554/live"),
        ("rtsp://me:se@cret@[fe80::1]:554/", "rtsp://[fe80::1]:554/"),
    ],
)
def test_a_public_url_holds_no_secret(url: str, shown: str) -> None:
    assert public_url(url) == shown


@pytest.mark.parametrize("password", ["plain", "p@ss:w/r%d #1?&é", "%40"])
def test_any_password_survives_the_url(password: str) -> None:
    url = url_with_password("rtsp://me:old@cam:8554/live?x=1", password)
    assert credentials_from_url(url) == ("me", password)
    assert public_url(url) == "rtsp://cam:8554/live"
    assert url.endswith("@cam:8554/live?x=1")


def test_a_url_without_a_password_stays_as_it_is() -> None:
    assert url_with_password("rtsp://cam/live", None) == "rtsp://cam/live"


def test_a_password_without_a_user_is_refused_without_showing_it() -> None:
    with pytest.raises(CameraError, match="no user") as caught:
        url_with_password("rtsp://cam/live", "hunter2")
    assert "hunter2" not in caught.value.message + str(caught.value.hint)


def test_a_password_comes_from_the_section_or_its_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    section = RtspCameraSection(kind="rtsp", source="rtsp://cam/", password_file=path)
    with pytest.raises(CameraError, match="cannot read password_file"):
        password_of(section)
    path.write_text("of the file\n")
    assert password_of(section) == "of the file"
    assert password_of(section.model_copy(update={"password": SecretStr("own")})) == "own"
    assert password_of(RtspCameraSection(kind="rtsp", source="rtsp://cam/")) is None


def test_a_stream_in_step_is_never_late_whatever_its_clocks_began_with() -> None:
    lag = Lag()
    assert max(lag.behind_s(5000 + step / 25, step / 25) for step in range(1000)) < 1e-6


def test_a_stream_that_is_decoded_too_slowly_is_late() -> None:
    lag = Lag()
    late_s = [lag.behind_s(step / 20, step / 25) for step in range(500)]
    assert late_s[50] < LAG_MAX_S < late_s[200] < late_s[400]


def test_a_camera_whose_clock_runs_slow_is_not_late_after_a_day() -> None:
    lag = Lag()
    assert max(lag.behind_s(float(step), step * (1 - 2e-4)) for step in range(86_400)) < 0.01


def test_a_stream_that_begins_anew_is_live_again() -> None:
    lag = Lag()
    lag.behind_s(10.0, 90_000.0)
    assert lag.behind_s(11.0, 0.0) == 0.0


def decoded(pace: Pace, arrivals: list[tuple[float, float]]) -> list[int]:
    """Return which packets of (arrival, position) are decoded; every 50th is a key frame."""
    return [
        number
        for number, (now_s, position_s) in enumerate(arrivals)
        if pace.decodes(now_s, position_s, is_keyframe=number % 50 == 0)
    ]


def test_a_short_stop_loses_no_picture() -> None:
    stop_s = LAG_MAX_S + PATIENCE_S  # then all that waited comes within a moment
    arrivals = [(step / 25, step / 25) for step in range(100)]
    arrivals += [(4 + stop_s + step / 1000, 4 + step / 25) for step in range(90)]
    assert decoded(Pace(), arrivals) == list(range(len(arrivals)))


def test_who_is_too_slow_passes_over_to_the_next_key_frame_of_the_present() -> None:
    pace = Pace()
    slow = [(step / 10, step / 25) for step in range(60)]  # takes 100 ms for each picture
    assert len(decoded(pace, slow)) < 60
    assert pace.catching_up
    live_s = slow[-1][0]
    fast = [
        (live_s + 0.001 * step, 2.4 + step / 25) for step in range(150)
    ]  # undecoded, it is fast
    first = decoded(pace, fast)[0]
    assert first % 50 == 0
    now_s, position_s = fast[first]
    assert now_s - position_s < LAG_MAX_S + 0.1


@pytest.mark.parametrize(
    ("number", "says", "hint"),
    [
        (errno.ENOENT, "there is no camera at /dev/video9", "cameras here"),
        (errno.ENODEV, "there is no camera at /dev/video9", "cameras here"),
        (errno.EACCES, "no permission to open /dev/video9", "usermod -aG video"),
        (errno.EBUSY, "/dev/video9 is in use by another program", "fuser"),
        (errno.ENOTTY, "is no camera that gives video", "capture device"),
        (errno.EIO, "cannot open /dev/video9: what the system says", "dmesg"),
    ],
)
def test_each_reason_of_a_device_has_its_own_words(number: int, says: str, hint: str) -> None:
    error = complaint("/dev/video9", number, "what the system says")
    assert says in error.message
    assert hint in str(error.hint)
