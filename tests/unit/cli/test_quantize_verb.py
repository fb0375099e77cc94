"""`edgecls calibrate`, `quantize` and `adversarial` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")
pytest.importorskip("ai_edge_quantizer", reason="the lab extra is not installed")

from edgecls.cli.main import run  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]
SET = """
name = "blobs"
labels = ["dark", "light"]
[source]
data = "blobs"
[selection]
count = 8
[input]
width = 16
height = 16
mean = [127.5, 127.5, 127.5]
std = [127.5, 127.5, 127.5]
[output]
activation = "softmax"
[decision]
label = "light"
threshold = 0.5
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with net.keras, blobs.toml and the images blobs/LABEL/N.png."""
    folder = tmp_path_factory.mktemp("place")
    keras.utils.set_random_seed(4)
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False)(image)
    x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(image, keras.layers.Dense(2, name="logits")(x)).save(folder / "net.keras")
    random = np.random.default_rng(5)
    for label, level in (("dark", 60), ("light", 190)):
        (folder / "blobs" / label).mkdir(parents=True)
        for number in range(6):
            pixels = random.normal(level, 30, (20, 24, 3)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / "blobs" / label / f"{number}.png"), pixels)
    (folder / "blobs.toml").write_text(SET)
    return folder


def words(place: Path, verb: str, *more: str, model: str = "net.keras") -> list[str]:
    found = [verb, str(place / model), "--calibration", str(place / "blobs.toml")]
    return [*found, "--data", str(place), *more]


def test_a_model_becomes_a_bundle_for_three_runtimes_and_is_attacked(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bundle"
    more = ("--adaround", "--bias-correction", "--out", str(out), "--json")
    assert run(words(place, "quantize", *more)) == 0
    made = json.loads(capsys.readouterr().out)
    assert {variant["name"] for variant in made["variants"]} >= {
        "tflite-float32", "tflite-int8", "onnx-float32", "onnx-int8", "tensorrt-int8",
    }  # fmt: skip
    manifest = json.loads((out / "manifest.json").read_text())
    told = manifest["provenance"]["calibration"]
    assert (told["learned_rounding"], told["bias_correction"]) == (True, True)
    assert told["weights"] == "per_channel"

    folder, net = str(tmp_path / "adv"), str(place / "net.keras")
    attack = ["adversarial", str(out), str(place / "blobs"), "--model", net, "--out", folder]
    assert run([*attack, "--epsilon", "4", "--patterns", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["attacks"] == ["none", "chance-4", "fgsm-4"]
    assert run(["evaluate", str(out), str(place / "blobs"), "--adversarial", folder]) == 0
    text = capsys.readouterr().out
    assert "fgsm-4" in text
    assert "gradient ascent" in text
    assert run([*attack[:-1], str(tmp_path / "other"), "--epsilon", "0"]) == 2


def test_a_bundle_that_is_there_already_stops_it_at_once(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(place, "quantize", "--out", str(tmp_path))) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--recipe", "static_wi8"), "did you mean 'static_wi8_ai8'?"),
        (("--method", "mean"), "unknown method 'mean'"),
        (("--weights", "per_layer"), "per_channel"),
        (("--improve", "folding"), "did you mean 'fold'?"),
        (("--name", "front door"), "--name 'front door': expected"),
        (("--version", ""), "--version '': expected"),
        (("--weights", "per_tensor", "--recipe", "static_wi8_ai16"), "per_tensor exists for"),
        (("--out", "/no/such/folder/b"), "/no/such/folder is not a folder"),
    ],
)
def test_an_unknown_word_names_the_nearest(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    assert run(words(place, "quantize", "--out", str(tmp_path / "b"), *more)) == 2
    assert told in capsys.readouterr().err


def test_a_search_needs_images_of_two_kinds(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(place, "quantize", "--out", str(tmp_path / "b"), "--search")) == 2
    assert "--search needs labelled images to tune on" in capsys.readouterr().err
    told = ["quantize", str(place / "net.keras"), "--calibration", str(place / "blobs.toml")]
    more = ["--search", "--tuning", str(place / "blobs"), "--out", str(tmp_path / "b")]
    assert run([*told, *more]) == 2
    assert "--search needs the images" in capsys.readouterr().err


def test_no_images_and_no_recording_is_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set.toml").write_text(SET)
    line = ["quantize", str(place / "net.keras"), "--calibration", str(tmp_path / "set.toml")]
    assert run([*line, "--out", str(tmp_path / "b")]) == 4
    assert "no --data to make one from" in capsys.readouterr().err
    (tmp_path / "blobs" / "dark").mkdir(parents=True)
    assert run([*line, "--out", str(tmp_path / "b"), "--data", str(tmp_path)]) == 2
    assert "no image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("width = 16", "width = 24", "takes images of (16, 16, 3), the calibration set blobs"),
        ('"light"]', '"light", "blue"]', "the model has 2 outputs, the calibration set blobs 3"),
    ],
)
def test_a_set_for_another_model_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
) -> None:
    (tmp_path / "set.toml").write_text(SET.replace(old, new))
    line = ["calibrate", str(place / "net.keras"), "--calibration", str(tmp_path / "set.toml")]
    assert run([*line, "--data", str(place), "--bias-correction"]) == 4
    assert told in capsys.readouterr().err
    assert not (tmp_path / "set.npz").exists()


def test_recipes_may_be_repeated_and_have_commas(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--recipe", "float32,float16", "--recipe", "float32", "--json")
    assert run(words(place, "quantize", "--out", str(tmp_path / "b"), *more)) == 0
    made = json.loads(capsys.readouterr().out)["variants"]
    assert {item["recipe"] for item in made} == {"float32", "float16"}


def test_a_set_is_locked_anew_and_a_recording_cannot_be_written_anywhere(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "set.toml"
    path.write_text(SET)
    line = ["calibrate", str(place / "net.keras"), "--calibration", str(path), "--data", str(place)]
    assert run([*line, "--lock"]) == 0
    path.write_text(path.read_text().replace("count = 8", "count = 6"))
    assert run(line) == 4
    assert "locked to" in capsys.readouterr().err
    assert run([*line, "--lock"]) == 0
    assert run(line) == 0
    assert run([*line, "--out", str(tmp_path / "no" / "set.npz")]) == 2
    assert "cannot write the recording" in capsys.readouterr().err
    assert run([*line, "--method", "mean"]) == 2
    assert "unknown method 'mean'" in capsys.readouterr().err


def test_images_that_are_measured_on_are_not_calibrated_on(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(place, "calibrate", "--evaluation", str(place / "blobs"))) == 4
    assert "8 calibration images are in blobs" in capsys.readouterr().err
