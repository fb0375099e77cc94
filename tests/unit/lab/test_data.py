"""Boxes are read as written, families joined, pixels kept once."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edgecls.lab.data import (
    Sample,
    boxes_from_text,
    family_of,
    squares_from_samples,
)


def _samples(folder: Path) -> list[Sample]:
    found = []
    for name, shade in (("a", 10), ("b", 200), ("c", 90)):
        path = folder / f"{name}.png"
        cv2.imwrite(str(path), np.full((20, 30, 3), shade, np.uint8))
        found.append(Sample(path, "no_person", "one", boxes_from_text("")))
    return found


def test_boxes_are_clipped_and_empty_ones_dropped() -> None:
    boxes = boxes_from_text("-0.1 0.2 0.5 1.2;0.3 0.3 0.3 0.6")
    assert boxes.shape == (1, 4)
    assert boxes.min() == 0.0
    assert boxes.max() == 1.0


def test_scene_classes_are_one_family() -> None:
    assert family_of("scene15-Office") == family_of("scene15-Coast") == "scene15"


def test_squares_are_stretched_and_written_once(tmp_path: Path) -> None:
    samples = _samples(tmp_path)
    squares = squares_from_samples(samples, 16, cache=tmp_path / "cache")
    assert squares.shape == (3, 16, 16, 3)
    assert [int(s.mean()) for s in squares] == [10, 200, 90]
    assert np.array_equal(squares, squares_from_samples(samples, 16, cache=tmp_path / "cache"))
    assert len(list((tmp_path / "cache").iterdir())) == 1
