"""Capture: supervised for real, over cameras that misbehave in every way we could think of."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgecls.daemon.capture import Capture
from edgecls.errors import CameraEndedError, CameraError, MissingDependencyError
from edgecls.sections.camera import DemoCameraSection
from edgecls.testing.camera import FAULT_NUMBER
from edgecls.types import Frame

PATIENCE_S = 30.0  # for a process to start on a busy machine; no test waits it out when all is well


@contextlib.contextmanager
def opened(
    leaf: str, *, module: str = "edgecls.testing.camera", **fields: object
) -> Iterator[Capture]:
    """Open a camera of edgecls.testing in a capture process, with short deadlines."""
    values = {
        "fps": 60,
        "open_timeout_s": PATIENCE_S,
        "frame_timeout_s": 0.3,
        "restart_min_s": 0.01,
        "restart_max_s": 0.05,
        **fields,
    }
    section = DemoCameraSection.model_validate({"kind": "demo", **values})
    with Capture(section, leaf=f"{module}:{leaf}") as capture:
        yield capture


def read_many(capture: Capture, count: int) -> list[Frame]:
    """Read so many frames, over failures and restarts."""
    frames: list[Frame] = []
    end_s = time.monotonic() + 2 * PATIENCE_S
    while len(frames) < count:
        assert time.monotonic() < end_s, f"only {len(frames)} frames: {capture.counters}"
        frames.append(capture.read(PATIENCE_S))
    return frames


def read_until_failures(capture: Capture, count: int) -> None:
    """Read, whatever comes, until so many processes have failed."""
    end_s = time.monotonic() + 2 * PATIENCE_S
    while capture.counters.failures < count:
        assert time.monotonic() < end_s, f"too few failures: {capture.counters}"
        with contextlib.suppress(CameraError):
            capture.read(0.05)


def sequences(frames: list[Frame]) -> list[int]:
    return [frame.sequence for frame in frames]


def test_frames_arrive_whole_and_in_order() -> None:
    with opened("SteadyCamera") as capture:
        frames = read_many(capture, 5)
        counters = capture.counters
    assert sequences(frames) == sorted(set(sequences(frames)))
    for frame in frames:
        assert frame.pixels.shape == (48, 64, 3)
        assert (frame.pixels == frame.sequence % 256).all()
        assert frame.captured_s <= time.monotonic()
        assert frame.captured_at.utcoffset() is not None
    assert counters.connected
    assert counters.frames == 5
    assert (counters.restarts, counters.kills, counters.failures) == (0, 0, 0)
    assert counters.frames_per_s > 0


def test_a_slow_reader_gets_the_newest_frame_and_the_others_are_counted() -> None:
    with opened("SteadyCamera") as capture:
        first = capture.read(PATIENCE_S)
        time.sleep(0.5)
        second = capture.read(PATIENCE_S)
        assert second.sequence - first.sequence > 5
        assert time.monotonic() - second.captured_s < 0.4
        assert capture.counters.dropped >= second.sequence - first.sequence - 1


def test_a_camera_that_hangs_is_killed_and_started_again() -> None:
    with opened("HangingCamera") as capture:
        frames = read_many(capture, FAULT_NUMBER + 2)
        counters = capture.counters
    assert sequences(frames) == sorted(set(sequences(frames)))
    assert counters.kills >= 1
    assert counters.restarts >= 1
    assert counters.last_error == "silent for 0.3 s"


def test_a_camera_that_never_opens_is_killed_at_its_own_deadline() -> None:
    with opened("NeverOpeningCamera", open_timeout_s=0.2) as capture:
        read_until_failures(capture, 1)
        with pytest.raises(CameraError, match=r"no first frame within 0\.2 s"):
            capture.read(0.1)
        assert capture.counters.kills >= 1
        assert not capture.counters.connected


def test_a_crash_is_named_by_its_signal() -> None:
    with opened("CrashingCamera", frame_timeout_s=PATIENCE_S) as capture:
        read_many(capture, FAULT_NUMBER + 2)
        counters = capture.counters
    assert counters.failures >= 1
    assert counters.kills == 0
    assert counters.last_error == "the capture process was ended by SIGSEGV"


def test_nonsense_from_the_process_is_answered_by_a_kill() -> None:
    with opened("GarblingCamera", frame_timeout_s=PATIENCE_S) as capture:
        frames = read_many(capture, FAULT_NUMBER + 4)
        counters = capture.counters
    assert all(frame.pixels.shape == (48, 64, 3) for frame in frames)
    assert counters.kills >= 1
    assert counters.last_error is not None
    assert "capture process" in counters.last_error


def test_a_refusal_reaches_the_reader_with_its_hint_at_the_deadline() -> None:
    with opened("RefusingCamera") as capture:
        read_until_failures(capture, 2)
        with pytest.raises(CameraError, match="the fake camera refuses") as caught:
            capture.read(0.1)
        assert caught.value.message == "camera 'door': the fake camera refuses"
        assert caught.value.hint == "be kind to it"
        assert capture.counters.restarts >= 1


def test_a_bug_in_a_leaf_keeps_its_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with opened("BuggyCamera") as capture:
        read_until_failures(capture, 1)
    assert capture.counters.last_error is not None
    assert capture.counters.last_error.endswith("ZeroDivisionError: the bug in frame 0")
    assert "in next_picture" in caplog.text


def test_the_end_of_a_finite_source_comes_after_its_last_frame() -> None:
    with opened("EndingCamera", fps=5) as capture:
        frames = read_many(capture, FAULT_NUMBER)
        assert sequences(frames) == list(range(FAULT_NUMBER))
        for _ in range(2):
            with pytest.raises(CameraEndedError):
                capture.read(PATIENCE_S)
        assert capture.counters.failures == 0


def test_the_resolution_may_change() -> None:
    with opened("ResizingCamera") as capture:
        shapes = {frame.pixels.shape for frame in read_many(capture, 30)}
    assert {(48, 64, 3), (96, 128, 3), (144, 192, 3)} <= shapes


def test_no_frame_is_torn_between_a_fast_writer_and_a_fast_reader() -> None:
    with opened("LargeCamera") as capture:
        capture.read(PATIENCE_S)
        for frame in read_many(capture, 100):
            assert frame.pixels.min() == frame.pixels.max() == frame.sequence % 256


def test_a_chatty_driver_neither_stops_the_frames_nor_floods_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with opened("ChattyCamera", frame_timeout_s=PATIENCE_S) as capture:
        read_many(capture, 20)
    assert 10 < len(caplog.records) < 70
    assert max(len(record.getMessage()) for record in caplog.records) < 600


def test_a_missing_library_is_told_at_once_and_not_retried() -> None:
    with opened("Nothing", module="no_such_library") as capture:
        with pytest.raises(MissingDependencyError, match="no_such_library"):
            capture.read(PATIENCE_S)
        assert capture.counters.restarts == 0


def test_the_pause_before_a_restart_doubles_up_to_its_limit() -> None:
    with opened("RefusingCamera", restart_min_s=0.2, restart_max_s=0.4) as capture:
        start_s = time.monotonic()
        read_until_failures(capture, 4)
        assert time.monotonic() - start_s > 0.2 + 0.4 + 0.4


@pytest.mark.parametrize(
    ("leaf", "limits", "hint"),
    [
        ("HangingCamera", {}, "raise frame_timeout_s"),
        ("NeverOpeningCamera", {"open_timeout_s": 0.2}, "raise open_timeout_s"),
        ("CrashingCamera", {"frame_timeout_s": PATIENCE_S}, "what the camera's driver said"),
        ("GarblingCamera", {"frame_timeout_s": PATIENCE_S}, "what the camera's driver said"),
        ("BuggyCamera", {"frame_timeout_s": PATIENCE_S}, "this is a bug"),
    ],
)
def test_each_way_to_fail_comes_with_a_hint(leaf: str, limits: dict[str, float], hint: str) -> None:
    with opened(leaf, restart_min_s=PATIENCE_S, restart_max_s=PATIENCE_S, **limits) as capture:
        read_until_failures(capture, 1)
        with pytest.raises(CameraError) as caught:
            capture.read(0.01)
    assert hint in str(caught.value.hint)


def test_a_frame_that_grew_stale_while_nobody_read_is_never_returned() -> None:
    with opened("HangingCamera") as capture:
        capture.read(PATIENCE_S)
        time.sleep(1.0)
        frame = capture.read(PATIENCE_S)
        assert time.monotonic() - frame.captured_s < 0.3
        assert capture.counters.kills == 1


def test_a_closed_capture_says_so_and_leaves_no_process_behind() -> None:
    with opened("HangingCamera") as capture:
        capture.read(PATIENCE_S)
        pid = capture.pid
        assert pid is not None
    capture.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(CameraError, match="closed"):
        capture.read(0.1)


def test_many_restarts_leak_no_descriptor() -> None:
    with opened("CrashingCamera", frame_timeout_s=PATIENCE_S) as capture:
        read_many(capture, FAULT_NUMBER + 1)
        before = len(list(Path("/proc/self/fd").iterdir()))
        read_many(capture, 3 * FAULT_NUMBER)
        assert len(list(Path("/proc/self/fd").iterdir())) <= before
        assert capture.counters.restarts >= 3


PARENT = """
import sys, time
from edgecls.sections.camera import DemoCameraSection
from edgecls.daemon.capture import Capture
section = DemoCameraSection(kind="demo")
with Capture(section, leaf="edgecls.testing.camera:" + sys.argv[1]) as capture:
    if sys.argv[1] == "SteadyCamera":
        capture.read(30)
    else:
        time.sleep(1.5)
    print(capture.pid, flush=True)
    time.sleep(3600)
"""


@pytest.mark.parametrize("leaf", ["SteadyCamera", "NeverOpeningCamera"])
def test_the_process_dies_with_its_parent_even_when_it_hangs(leaf: str, repository: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, leaf], stdout=subprocess.PIPE, cwd=repository
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
    assert Path(f"/proc/{child}").exists()
    parent.kill()
    parent.wait()
    end_s = time.monotonic() + PATIENCE_S
    while _lives(child):
        assert time.monotonic() < end_s, "the capture process outlived its parent"
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    """Tell a running process from one that is gone or waits to be reaped by init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
