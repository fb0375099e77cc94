"""Windows beside persons touch no box, and the judge's word is final."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgecls.lab.beside import windows_beside
from edgecls.lab.views import label_of_view

BOX = np.array([[0.4, 0.2, 0.6, 0.9]], dtype=np.float32)
CROWD = 255


def _sees_bright(squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.where(squares.max(axis=(1, 2, 3)) > 128, 1.0, -1.0).astype(np.float32)


def test_windows_touch_no_box_and_the_judge_removes_the_crowd() -> None:
    pixels = np.zeros((2, 64, 64, 3), np.uint8)
    pixels[1, :, :20] = CROWD
    boxes = {0: BOX, 1: BOX}
    found = windows_beside(pixels, boxes, _sees_bright, size_px=32, per_image=40, seed=1)
    assert len(found[0]) > 8
    assert 0 < len(found[1]) < len(found[0])
    assert all(label_of_view(BOX, window) == 0 for index in found for window in found[index])
    assert all(window[0] > 0.25 for window in found[1])


def test_a_photograph_full_of_a_person_gives_none() -> None:
    full = np.array([[0.0, 0.0, 1.0, 1.0]], dtype=np.float32)
    pixels = np.zeros((1, 64, 64, 3), np.uint8)
    assert windows_beside(pixels, {0: full}, _sees_bright, size_px=32, per_image=5, seed=1) == {}
