"""Pictures beyond what parent and capture child share: scaled down, and never an end."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.daemon.capture import Capture
from edgecls.daemon.capture_fit import scaled_to_fit
from edgecls.errors import CameraEndedError
from edgecls.sections.camera import ReplayCameraSection
from edgecls.types import Frame

PATIENCE_S = 60.0


def frame(width: int, height: int) -> Frame:
    columns = np.arange(width, dtype=np.uint8)[None, :, None]
    pixels = np.broadcast_to(columns, (height, width, 3)).copy()
    return Frame(pixels, time.monotonic(), datetime.now(timezone.utc), 7)


@pytest.mark.parametrize(
    ("size", "most", "fitted"),
    [
        ((80, 60), 80 * 60, (80, 60)),
        ((80, 60), 80 * 60 - 1, (40, 30)),
        ((81, 61), 80 * 60, (40, 30)),
        ((80, 60), 20 * 15, (20, 15)),
        ((500, 1), 300, (250, 1)),
    ],
)
def test_the_sides_are_divided_alike_until_the_picture_fits(
    size: tuple[int, int], most: int, fitted: tuple[int, int]
) -> None:
    given = frame(*size)
    got = scaled_to_fit(given, most * 3)
    assert got.pixels.shape == (fitted[1], fitted[0], 3)
    assert got.pixels.dtype == np.uint8
    assert (got.sequence, got.captured_s) == (given.sequence, given.captured_s)


def test_a_new_pixel_is_the_mean_of_the_old_ones() -> None:
    row = scaled_to_fit(frame(80, 60), 40 * 30 * 3).pixels[0, :, 0]
    expected = 2 * np.arange(40) + 0.5
    assert np.abs(row - expected).max() <= 0.5


def test_a_photograph_of_48_megapixels_is_replayed_and_the_pictures_after_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photograph = np.full((6000, 8000), 90, np.uint8)  # grey: a third of the memory to write it
    assert cv2.imwrite(str(tmp_path / "0.jpg"), photograph)
    assert cv2.imwrite(str(tmp_path / "1.jpg"), photograph[:48, :64])
    section = ReplayCameraSection.model_validate(
        {
            "kind": "replay",
            "source": tmp_path,
            "loop": False,
            "realtime": False,
            "open_timeout_s": PATIENCE_S,
            "frame_timeout_s": PATIENCE_S,
            "fps": 1,
        }
    )
    shapes = []
    with Capture(section) as capture:
        with contextlib.suppress(CameraEndedError):
            while len(shapes) < 3:  # one more than there are
                shapes.append(capture.read(PATIENCE_S).pixels.shape)
        assert capture.counters.failures == 0
    assert shapes[-1] == (48, 64, 3)
    assert set(shapes) <= {(3000, 4000, 3), (48, 64, 3)}
    assert "pictures beyond 33 megapixels are scaled down: 8000x6000 to 4000x3000" in caplog.text
