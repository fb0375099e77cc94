"""Replay: the same frames whatever the clock does, and each kind of source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import pytest

from edgecls.cameras.replay import ReplayCamera
from edgecls.errors import CameraEndedError, CameraError
from edgecls.sections.camera import ReplayCameraSection
from edgecls.testing.camera import picture

LEVEL = 20  # grey levels from one picture to the next: more than a codec blurs


class Clock:
    """A clock that only sleeping moves, and that a test may move."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept_s: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"{number:03}.png"), picture(number))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "._001.png").write_bytes(b"what some systems put beside a file")
    (tmp_path / "003.png").mkdir()
    return tmp_path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twelve pictures at 10 per second, a key frame every four."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10, options={"sc_threshold": "1000000000"})
        stream.codec_context.gop_size = 4
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(picture(LEVEL * number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def replay(source: Path, clock: Clock, **fields: Any) -> ReplayCamera:
    section = ReplayCameraSection(kind="replay", source=source, **fields)
    return ReplayCamera(section, clock=clock, sleep=clock.sleep)


def levels(camera: ReplayCamera, count: int) -> list[int]:
    """Read so many frames; return their grey levels."""
    return [int(camera.read(10).pixels.mean().round()) for _ in range(count)]


def test_images_come_in_the_order_of_their_names_at_fps(folder: Path, clock: Clock) -> None:
    with replay(folder, clock, fps=2) as camera:
        frames = [camera.read(10) for _ in range(4)]
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [1, 2, 10, 1]
    assert [frame.captured_s for frame in frames] == [100.0, 100.5, 101.0, 101.5]
    assert clock.slept_s == [0.5, 0.5, 0.5]


def test_a_slow_reader_of_images_skips_to_the_newest(folder: Path, clock: Clock) -> None:
    with replay(folder, clock, fps=2) as camera:
        camera.read(10)
        clock.now_s += 1.1
        frame = camera.read(10)
    assert (frame.sequence, int(frame.pixels[0, 0, 0])) == (2, 10)


def test_one_image_is_shown_over_and_over(folder: Path, clock: Clock) -> None:
    with replay(folder / "002.png", clock) as camera:
        assert levels(camera, 3) == [2, 2, 2]


def test_a_video_runs_at_its_own_pace_and_begins_anew(clip: Path, clock: Clock) -> None:
    with replay(clip, clock, fps=50) as camera:
        frames = [camera.read(10) for _ in range(14)]
    assert [frame.sequence for frame in frames] == list(range(14))
    times_s = [frame.captured_s for frame in frames]
    assert times_s == pytest.approx([100 + number / 10 for number in range(14)])
    assert frames[12].pixels.mean() < LEVEL / 2
    passed_s = (frames[12].captured_at - frames[0].captured_at).total_seconds()
    assert passed_s == pytest.approx(1.2)


def test_without_realtime_a_read_steps_by_one_frame_of_fps_and_never_waits(
    clip: Path, clock: Clock
) -> None:
    with replay(clip, clock, fps=5, realtime=False, loop=False) as camera:
        frames = [camera.read(10) for _ in range(7)]
        with pytest.raises(CameraEndedError, match="no more pictures"):
            camera.read(10)
    assert [frame.sequence for frame in frames] == [0, 2, 4, 6, 8, 10, 11]
    times_s = [frame.captured_s for frame in frames]
    assert times_s == pytest.approx([100, 100.2, 100.4, 100.6, 100.8, 101, 101.1])
    assert clock.slept_s == []


def test_key_frames_only_shows_no_other_picture(clip: Path, clock: Clock) -> None:
    with replay(clip, clock, keyframes_only=True, loop=False) as camera:
        assert levels(camera, 3) == pytest.approx([0, 4 * LEVEL, 8 * LEVEL], abs=4)
        with pytest.raises(CameraEndedError):
            camera.read(10)


def test_a_picture_that_is_due_too_late_is_an_error_at_the_deadline(
    clip: Path, clock: Clock
) -> None:
    with replay(clip, clock, keyframes_only=True) as camera:
        camera.read(10)
        with pytest.raises(CameraError, match=r"no picture is due within 0\.1 s") as caught:
            camera.read(0.1)
        assert "raise fps" in str(caught.value.hint)
        assert clock.now_s == pytest.approx(100.1)
        assert camera.read(10).captured_s == pytest.approx(100.4)


def test_an_unreadable_image_is_passed_over_with_a_warning(
    folder: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "001.png").write_bytes(b"\x89PNG\r\n\x1a\nand nothing more")
    with replay(folder, clock, loop=False) as camera:
        assert levels(camera, 2) == [2, 10]
    assert "001.png" in caplog.text


def test_a_folder_of_unreadable_images_is_an_error_at_the_deadline(
    tmp_path: Path, clock: Clock
) -> None:
    (tmp_path / "only.png").write_bytes(b"\x89PNG\r\n\x1a\nand nothing more")
    with replay(tmp_path, clock) as camera, pytest.raises(CameraError, match=r"only\.png"):
        camera.read(3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot read"),
        (b"", "no image and no video"),
        (b"neither the one nor the other" * 99, "no image and no video"),
    ],
)
def test_a_source_that_is_nothing_is_told_with_a_hint(
    tmp_path: Path, clock: Clock, content: bytes | None, says: str
) -> None:
    path = tmp_path / "thing.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError, match=says) as caught, replay(path, clock):
        pass
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_an_empty_folder_is_told(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(CameraError, match="holds no picture"), replay(tmp_path, clock):
        pass


def test_sound_alone_is_no_video(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame(format="s16", layout="mono", samples=80)
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(CameraError, match="no video stream") as caught, replay(path, clock):
        pass
    assert "MP4" in str(caught.value.hint)
