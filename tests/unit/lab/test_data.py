"""Manifests are read as written, and wrong ones are refused with a reason."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.lab.data import (
    DataError,
    boxes_from_text,
    family_of,
    samples_from_manifest,
    select,
    squares_from_samples,
)

HEADER = "file,label,split,family,source_repo,person_boxes\n"


def _data(folder: Path) -> Path:
    for name, shade in (("a", 10), ("b", 200), ("c", 90)):
        cv2.imwrite(str(folder / f"{name}.png"), np.full((20, 30, 3), shade, np.uint8))
    manifest = folder / "manifest.csv"
    manifest.write_text(
        HEADER
        + "a.png,person,train,one,https://github.com/x/y,0.1 0.1 0.5 0.9\n"
        + "b.png,no_person,train,two,https://github.com/x/z,\n"
        + "c.png,depiction,train,two,https://github.com/x/z,\n"
    )
    return manifest


def test_select_keeps_labels_and_leaves_families_out(tmp_path: Path) -> None:
    samples = samples_from_manifest(_data(tmp_path))
    assert [s.target for s in select(samples, "train")] == [1, 0]
    assert [s.source for s in select(samples, "train", without=["one"])] == ["x/z"]


def test_boxes_are_clipped_and_empty_ones_dropped() -> None:
    boxes = boxes_from_text("-0.1 0.2 0.5 1.2;0.3 0.3 0.3 0.6")
    assert boxes.shape == (1, 4)
    assert boxes.min() == 0.0
    assert boxes.max() == 1.0


def test_scene_classes_are_one_family() -> None:
    assert family_of("scene15-Office") == family_of("scene15-Coast") == "scene15"


def test_squares_are_stretched_and_written_once(tmp_path: Path) -> None:
    samples = samples_from_manifest(_data(tmp_path))
    squares = squares_from_samples(samples, 16, cache=tmp_path / "cache")
    assert squares.shape == (3, 16, 16, 3)
    assert [int(s.mean()) for s in squares] == [10, 200, 90]
    assert np.array_equal(squares, squares_from_samples(samples, 16, cache=tmp_path / "cache"))
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_missing_column_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,label\na.png,person\n")
    with pytest.raises(DataError, match="person_boxes"):
        samples_from_manifest(manifest)


def test_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent"):
        samples_from_manifest(tmp_path / "absent.csv")
