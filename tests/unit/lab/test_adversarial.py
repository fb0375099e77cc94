"""Attacks on a tiny net: the gradient is right, and evaluate reads the files that are written."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the lab extra: pip install 'edgecls[lab]'")
pytest.importorskip("tf2onnx", reason="needs the lab extra (tf2onnx)")

from edgecls.bundle.manifest import Decision, InputRule, Manifest, OutputRule  # noqa: E402
from edgecls.bundle.open import Bundle, open_bundle  # noqa: E402
from edgecls.bundle.write import write_bundle  # noqa: E402
from edgecls.errors import ConfigError, ImageError  # noqa: E402
from edgecls.lab import adversarial  # noqa: E402
from edgecls.lab.adversarial_set import net_for_gradients, write_adversarial  # noqa: E402
from edgecls.lab.export import onnx_from_keras  # noqa: E402
from edgecls.lab.gradients import PixelGradients  # noqa: E402
from edgecls.lab.quantization.artefacts import Artefact  # noqa: E402
from edgecls.lab.quantization.calibration_set import CalibrationSet, Selection, Source  # noqa: E402
from edgecls.lab.quantization.manifest import manifest_from_artefacts  # noqa: E402
from edgecls.measure.adversarial import load_adversarial  # noqa: E402
from edgecls.measure.dataset import Dataset, load_dataset  # noqa: E402
from edgecls.measure.evaluate import evaluate_bundle  # noqa: E402
from edgecls.measure.report.evaluation import evaluation_page  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
LABELS = ("dark", "light")
SIDE = 8
RULE = InputRule(width=SIDE, height=SIDE, mean=(127.5,) * 3, std=(127.5,) * 3)
SLOPE_TOLERANCE = 0.02
"""Relative: a difference quotient over half a grey level, in float32."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(4, 3, activation="tanh", padding="same")(image)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Concatenate()([x, image]))
    net = keras.Model(image, keras.layers.Dense(2, name="logits")(x))
    kernel = np.zeros((7, 2), np.float32)
    kernel[4:] = [[-4.0, 4.0]] * 3  # light where it is bright
    kernel[:4] = 0.3 * np.random.default_rng(1).normal(size=(4, 2))
    net.get_layer("logits").set_weights([kernel, np.zeros(2)])
    path = tmp_path_factory.mktemp("model") / "net.keras"
    net.save(path)
    return path


@pytest.fixture(scope="module")
def bundle(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    wanted = CalibrationSet(
        name="blobs",
        labels=LABELS,
        source=Source(data="blobs"),
        selection=Selection(count=2),
        input=RULE,
        output=OutputRule(activation="softmax"),
        decision=Decision(label="light", threshold=0.5),
    )
    net = keras.saving.load_model(model)
    made = Artefact("onnx", "float32", "float32", onnx_from_keras(net).SerializeToString())
    described = manifest_from_artefacts(
        [made], wanted, None, name="blobs", version="1", model=model, method="mse"
    )
    out = tmp_path_factory.mktemp("bundle") / "b"
    write_bundle(described, {made.name + made.suffix: made.data}, out)
    return open_bundle(out)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(5)
    for label, level in (("dark", 122), ("light", 133)):
        (folder / label).mkdir()
        for number in range(6):
            pixels = random.normal(level, 8, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / label / f"{number}.png"), pixels)
    return load_dataset(folder, LABELS)


def cross_entropy(found: PixelGradients, pixels: np.ndarray, label: int) -> float:
    net = found._model
    outputs = np.asarray(net((pixels[None] - 127.5) / 127.5), np.float64)[0]
    return float(np.log(np.exp(outputs).sum()) - outputs[label])


def test_the_slope_is_the_difference_quotient_of_the_loss(model: Path, bundle: Bundle) -> None:
    found = PixelGradients(keras.saving.load_model(model), bundle.manifest)
    pixels = np.random.default_rng(2).uniform(20, 230, (2, SIDE, SIDE, 3)).astype(np.float32)
    slope = found.slope(pixels, np.array([0, 1]))
    for place, label in ((0, 0), (1, 1)):
        direction = np.sign(slope[place])
        up, down = (pixels[place] + step * direction for step in (0.25, -0.25))
        measured = 2 * (cross_entropy(found, up, label) - cross_entropy(found, down, label))
        assert measured == pytest.approx(float(np.abs(slope[place]).sum()), rel=SLOPE_TOLERANCE)


@pytest.mark.parametrize(("activation", "outputs"), [("sigmoid", 1), ("none", 2)])
def test_other_activations_have_the_slope_of_their_own_loss(
    bundle: Bundle, activation: str, outputs: int
) -> None:
    image = keras.Input((SIDE, SIDE, 3), batch_size=1)
    x = keras.layers.Dense(outputs)(keras.layers.GlobalAveragePooling2D()(image))
    net = keras.Model(image, keras.layers.Softmax()(x) if activation == "none" else x)
    parts = bundle.manifest.model_dump(by_alias=True) | {"output": {"activation": activation}}
    found = PixelGradients(net, Manifest.model_validate(parts))
    pixels = np.full((2, SIDE, SIDE, 3), 100, np.float32)
    zero, one = found.slope(pixels, np.array([0, 1]))
    # raising the loss of one label lowers that of the other
    assert np.sign(zero).tolist() == (-np.sign(one)).tolist()
    assert np.abs(zero).min() > 0


def test_fgsm_moves_by_epsilon_at_most_and_stays_an_image() -> None:
    pixels = np.array([[[0, 100, 255]]], np.uint8)
    assert adversarial.fgsm(pixels, np.float32([[[-1, 2, 3]]]), 4).tolist() == [[[0, 104, 255]]]
    assert adversarial.fgsm(pixels, np.float32([[[1, 0, -3]]]), 4).tolist() == [[[4, 100, 251]]]


def test_a_folder_is_written_that_evaluate_reads(
    model: Path, bundle: Bundle, data: Dataset, tmp_path: Path
) -> None:
    net = net_for_gradients(model, bundle)
    done: list[int] = []
    written = write_adversarial(
        net, bundle, data, tmp_path / "adv", epsilons=(2, 16), patterns=3,
        report=lambda _, now, total: done.append(now),
    )  # fmt: skip
    assert (written.images, written.patterns, done[-1]) == (12, 3, 12)
    assert written.attacks == ("none", "chance-16", "fgsm-2", "fgsm-16")
    with (tmp_path / "adv" / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 * 4

    def pixels(row: dict[str, str]) -> np.ndarray:
        return cv2.imread(str(tmp_path / "adv" / row["file"])).astype(int)

    same = [row for row in rows if row["file"].endswith("00003.png")]
    apart = [int(np.abs(pixels(row) - pixels(same[0])).max()) for row in same]
    assert apart == [0, 16, 2, 16]

    found = load_adversarial(tmp_path / "adv", bundle.manifest)
    evaluation = evaluate_bundle(bundle, data, adversarial=found)
    assert evaluation.attacked is not None
    shares = {
        item.value: item.accuracy["onnx-float32"].value for item in evaluation.attacked.figures
    }
    assert list(shares) == ["none", "chance-16", "fgsm-2", "fgsm-16"]
    assert shares["none"] == evaluation.variants[0].metrics.accuracy.value == 1.0
    assert shares["fgsm-16"] < 0.2 <= shares["chance-16"]
    ascent = evaluation.fooled[-1]
    assert (ascent.kind, ascent.n) == ("gradient ascent", 3)
    assert ascent.called["onnx-float32"].value >= 2 / 3  # the darkest starts too far away
    text = evaluation_page(evaluation).decode()
    assert "Pictures made to mislead" in text
    assert "gradient ascent" in text
    parsed = evaluation.as_json()["adversarial"]
    assert parsed["made_against"] == "blobs 1"
    assert all({"n", "ci95"} <= set(item["accuracy"]["onnx-float32"]) for item in parsed["attacks"])


def test_pictures_that_cannot_be_read_are_left_out_the_first_too(
    model: Path, bundle: Bundle, data: Dataset, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    samples = (replace(data.samples[0], path=broken), *data.samples[1:3])
    net = net_for_gradients(model, bundle)
    out = tmp_path / "adv"
    written = write_adversarial(net, bundle, replace(data, samples=samples), out, patterns=1)
    assert (written.images, written.unreadable) == (2, (broken,))
    with pytest.raises(ImageError, match="none of 1 pictures could be read"):
        write_adversarial(net, bundle, replace(data, samples=samples[:1]), tmp_path / "none")


def test_another_net_than_the_bundles_is_refused(
    model: Path, bundle: Bundle, data: Dataset, tmp_path: Path
) -> None:
    net = keras.saving.load_model(model)
    net.set_weights([-weight for weight in net.get_weights()])
    with pytest.raises(ConfigError, match=r"not the one in .*: scores of 0\.png differ by"):
        write_adversarial(net, bundle, data, tmp_path / "adv")
    image = keras.Input((4, 4, 3))
    small = keras.Model(image, keras.layers.Flatten()(image))
    with pytest.raises(ConfigError, match=r"takes \(4, 4, 3\), the bundle \(8, 8, 3\)"):
        write_adversarial(small, bundle, data, tmp_path / "adv")
    with pytest.raises(ConfigError, match=r"expected a \.keras file, or the recipe"):
        net_for_gradients(Path("net.onnx"), bundle)


def test_a_folder_of_something_else_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no adversarial pictures"):
        load_adversarial(tmp_path, bundle.manifest)
    made = {"schema": 1, "labels": ["cat", "dog"], "bundle": {"name": "b", "version": "1"}}
    (tmp_path / "made.json").write_text(json.dumps(made))
    with pytest.raises(ConfigError, match="the labels cat, dog, the bundle has dark, light"):
        load_adversarial(tmp_path, bundle.manifest)
    (tmp_path / "made.json").write_text(json.dumps(made | {"schema": 9}))
    with pytest.raises(ConfigError, match="schema 9, this edgecls reads 1"):
        load_adversarial(tmp_path, bundle.manifest)
