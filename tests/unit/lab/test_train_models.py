"""scripts/train-models goes through all its rounds, each from the bundle of the one before."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from edgecls.bundle.open import open_bundle
from tests.unit.lab.conftest import picture

pytest.importorskip("keras", reason="the lab extra is not installed")

import keras

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ROUNDS = ("first", "second", "third", "tiny")
LEFT_OUT = (
    "BSDS500", "pedestrian-street", "cctv-grayscale", "CamVid", "crosswalk", "people-hx",
)  # fmt: skip
"""Of the first round, as the script says; in turn with others, so that it has pictures left."""
SCENE15 = "https://github.com/lionelmessi6410/Scene-Recognition-with-Bag-of-Words"
BOX = "0.3000 0.2000 0.7000 0.9000"


def _manifest(folder: Path, *, seed: int) -> None:
    """Write small pictures, a light one for a person, and the columns that composing needs."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(56):
        person, pair = number % 2 == 1, number // 2
        name = f"{number:03d}.jpg"
        level = 127 if person else 0
        cv2.imwrite(str(folder / name), picture(seed + number, size_px=64, level=level))
        rows.append(
            {
                "file": name,
                "label": "person" if person else "no_person",
                "split": "val" if pair % 4 == 1 else "train",
                "group": f"{folder.name}-{number}",
                "family": "door" if pair % 3 else LEFT_OUT[pair // 3 % len(LEFT_OUT)],
                "source_repo": SCENE15 if number % 11 == 0 else "https://example.org/pictures",
                "geometry": "whole",
                "person_boxes": BOX if person else "",
                "max_person_area": "0.28" if person else "0",
                "mean_luma": "100",
            }
        )
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def _start_weights(folder: Path) -> None:
    folder.mkdir()
    model = keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights=None)
    model.save_weights(folder / "mobilenet_v2_1.0_224_imagenet_notop.weights.h5")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_round_leaves_a_bundle(tmp_path: Path, repository: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    _manifest(data / "person", seed=0)
    _manifest(data / "person_more", seed=1000)
    _start_weights(data / "pretrained")
    command = [str(repository / "scripts" / "train-models"), str(data), str(run), "--try"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHON": sys.executable, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1700, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    made = {name: open_bundle(run / f"{name}.edgecls").manifest for name in ROUNDS}
    assert made["third"].name == "doorbell-person"
    assert made["tiny"].name == "doorbell-person-tiny"
    for manifest in made.values():
        assert {v.name for v in manifest.variants} >= {"tflite-int8", "onnx-int8", "tflite-float32"}
    again = subprocess.run(
        command, env={**os.environ, "PYTHON": sys.executable}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr[-3000:]
    assert again.stdout == "", "what is finished is made again"
