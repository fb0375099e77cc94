"""evaluate, benchmark, select and compare take the shipped bundle where none is named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.bundle.open import SHIPPED, shipped_path
from edgecls.cli.main import run
from edgecls.cli.measuring import bundle_and_data
from tests.tiny_bundles import tiny_bundle


def test_one_argument_is_the_images(tmp_path: Path) -> None:
    opened, data = bundle_and_data(tmp_path / "images", None)
    assert (opened.path, data) == (shipped_path(), tmp_path / "images")
    opened, data = bundle_and_data(tiny_bundle(tmp_path / "tiny"), tmp_path / "images")
    assert (opened.manifest.name, data) == ("tiny", tmp_path / "images")
    opened, _ = bundle_and_data(Path(SHIPPED), tmp_path)
    assert opened.path == shipped_path()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate"], "no images given"),
        (["evaluate", "tiny"], "tiny is a bundle, expected images with labels beside it"),
        (["select", "tiny.edgecls"], "tiny.edgecls is a bundle"),
        (["compare", "tflite-float32", "tflite-int8"], "expected two variants and images"),
        (["compare"], "expected two variants and images, received none"),
    ],
)
def test_what_is_missing_is_named(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tiny_bundle(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    assert run(words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "hint:" in err


def test_compare_takes_variants_of_the_shipped_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), 120, np.uint8))
    assert run(["compare", "tflite-float32", "onnx-float32", str(path)]) == 0
    assert "onnx-float32 against tflite-float32, 1 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "tiny", "images", "--report"],
        ["evaluate", "tiny", "images", "--markdown"],
        ["benchmark", "tiny", "--report"],
        ["select", "tiny", "images", "--report"],
    ],
)
@pytest.mark.parametrize("place", ["gone/report.html", "tiny"])
def test_a_report_that_cannot_be_written_is_told_before_the_work(
    words: list[str],
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tiny_bundle(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    assert run([*words, place]) == 2  # there are no images: the place is what is looked at first
    assert place.partition("/")[0] in capsys.readouterr().err
