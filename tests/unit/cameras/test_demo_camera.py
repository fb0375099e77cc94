"""The built-in door: its story, its pace and its end, on a clock of the test's own."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from edgecls.cameras.demo import STORY, VISITS_PER_PASS, DemoCamera
from edgecls.errors import CameraEndedError, CameraError
from edgecls.sections.camera import DemoCameraSection
from edgecls.types import Frame


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def camera(clock: Clock, *, fps: float = 2, scene_s: float = 1, loop: bool = False) -> DemoCamera:
    section = DemoCameraSection(kind="demo", fps=fps, scene_s=scene_s, loop=loop)
    return DemoCamera(section, clock=clock, sleep=clock.sleep)


def frames_of_a_pass(demo: DemoCamera) -> list[Frame]:
    frames: list[Frame] = []
    with contextlib.suppress(CameraEndedError):
        while True:
            frames.append(demo.read(5))
    return frames


def test_a_pass_tells_the_whole_story_and_ends() -> None:
    clock = Clock()
    with camera(clock) as demo:
        frames = frames_of_a_pass(demo)

    assert [frame.sequence for frame in frames] == list(range(2 * len(STORY)))
    assert clock.now_s == pytest.approx(100 + len(STORY))
    assert {frame.pixels.shape for frame in frames} == {(720, 960, 3)}
    assert {frame.pixels.dtype for frame in frames} == {np.dtype(np.uint8)}
    assert VISITS_PER_PASS == 2


def test_scenes_differ_and_frames_of_a_still_scene_differ_only_by_noise() -> None:
    with camera(Clock()) as demo:
        frames = [frame.pixels.astype(int) for frame in frames_of_a_pass(demo)]
    within = np.abs(frames[0] - frames[1])
    across = np.abs(frames[1] - frames[2])

    assert 0 < within.mean() < 5  # alive, not frozen
    assert across.mean() > 30


def test_the_cameraman_is_grey_and_the_astronaut_is_orange() -> None:
    with camera(Clock(), fps=1) as demo:
        by_scene = [frame.pixels.astype(int) for frame in frames_of_a_pass(demo)]
    red_minus_blue = [float((pixels[..., 0] - pixels[..., 2]).mean()) for pixels in by_scene]

    assert red_minus_blue[1] > 20
    assert abs(red_minus_blue[5]) < 1


def test_the_same_pass_twice_gives_the_same_pictures() -> None:
    with camera(Clock()) as first, camera(Clock()) as second:
        assert np.array_equal(first.read(1).pixels, second.read(1).pixels)


def test_the_story_waits_for_a_slow_reader_and_keeps_its_pace_afterwards() -> None:
    clock = Clock()
    with camera(clock) as demo:
        demo.read(5)
        clock.sleep(2.6)  # most of three scenes
        late = demo.read(5)
        late_s = clock.now_s
        following = demo.read(5)

    assert (late.sequence, following.sequence) == (1, 2)
    assert clock.now_s - late_s == pytest.approx(0.5)


def test_small_delays_do_not_add_up() -> None:
    clock = Clock()
    with camera(clock, loop=True) as demo:
        for _ in range(21):
            demo.read(5)
            clock.sleep(0.1)
    assert clock.now_s == pytest.approx(100 + 20 * 0.5 + 0.1)


def test_a_loop_starts_again_after_the_last_scene() -> None:
    with camera(Clock(), fps=1, loop=True) as demo:
        frames = [demo.read(5) for _ in range(len(STORY) + 2)]
    astronaut, again = (frames[at].pixels.astype(int) for at in (1, len(STORY) + 1))

    assert frames[-1].sequence == len(STORY) + 1
    assert np.abs(astronaut - again).mean() < 5


def test_no_frame_within_the_deadline_is_an_error_at_the_deadline() -> None:
    clock = Clock()
    with camera(clock, fps=0.1) as demo:
        demo.read(1)
        with pytest.raises(CameraError, match="no frame within 1 s"):
            demo.read(1)
    assert clock.now_s == pytest.approx(101)


def test_a_closed_camera_says_so() -> None:
    demo = camera(Clock())
    with demo:
        demo.close()
        demo.close()
        with pytest.raises(CameraError, match="closed"):
            demo.read(1)
