"""From a Keras model and a folder of images to a bundle, and again from the recording alone."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the lab extra: pip install 'edgecls[lab]'")
onnx = pytest.importorskip("onnx", reason="needs the lab extra (onnx)")
pytest.importorskip("ai_edge_quantizer", reason="needs the lab extra (ai-edge-quantizer)")

from edgecls.bundle.open import open_bundle  # noqa: E402
from edgecls.bundle.write import write_bundle  # noqa: E402
from edgecls.classifier import Classifier  # noqa: E402
from edgecls.errors import CalibrationError, ConfigError, InferenceError  # noqa: E402
from edgecls.lab.quantization import (  # noqa: E402
    artefacts,
    calibration_set,
    float_graphs,
    manifest,
    pipeline,
    recording,
    search,
)
from edgecls.measure.dataset import load_dataset  # noqa: E402
from edgecls.runtimes.tensorrt_build import engine_from_onnx  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]
SIDE = 32
SCORE_TOLERANCE = 0.05
"""int8 against float on an untrained net: a few steps of an 8-bit scale in the scores."""
RECIPES = [*artefacts.RECIPES]
SET = """
name = "blobs"
labels = ["dark", "light"]
[source]
data = "blobs"
[selection]
count = {count}
seed = 3
[input]
width = 32
height = 32
mean = [127.5, 127.5, 127.5]
std = [127.5, 127.5, 127.5]
[output]
activation = "softmax"
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(5)
    for label, level in (("dark", 60), ("light", 190)):
        (folder / "blobs" / label).mkdir(parents=True)
        for number in range(12):
            pixels = generator.normal(level, 30, (40, 48, 3)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / "blobs" / label / f"{number:02}.png"), pixels)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(4)
    inputs = keras.Input((SIDE, SIDE, 3))
    x = inputs
    for width, stride in ((8, 2), (16, 2)):
        x = keras.layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU(6.0)(x)
        x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU(6.0)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    net = keras.Model(inputs, keras.layers.Dense(2, name="logits")(x))
    path = tmp_path_factory.mktemp("model") / "blobs.keras"
    net.save(path)
    return path


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("set") / "blobs.toml"
    path.write_text(SET.format(count=16))
    return path


@pytest.fixture(scope="module")
def recorded(model: Path, wanted: Path, data: Path) -> recording.Recording:
    chosen = calibration_set.load_calibration_set(wanted)
    selected = calibration_set.select(chosen, data)
    return pipeline.calibrated(model, chosen, selected, ("fold",), bias=True, adaround=True)


@pytest.fixture(scope="module")
def made_from(model: Path, recorded: recording.Recording) -> artefacts.Sources:
    return pipeline.sources(model, recorded)


@pytest.fixture(scope="module")
def made(made_from: artefacts.Sources) -> list[artefacts.Artefact]:
    return made_from.artefacts(RECIPES, "mse")


def test_every_variant_answers_like_the_float_one(
    made: list[artefacts.Artefact],
    wanted: Path,
    recorded: recording.Recording,
    model: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    described = manifest.manifest_from_artefacts(
        made, calibration_set.load_calibration_set(wanted), recorded,
        name="blobs", version="1", model=model, method="mse",
    )  # fmt: skip
    write_bundle(described, {a.name + a.suffix: a.data for a in made}, tmp_path / "b")
    bundle = open_bundle(tmp_path / "b")
    names = [v.name for v in bundle.manifest.variants if v.runtime != "tensorrt"]
    assert {"tflite-int8", "onnx-int8", "tflite-float16", "tflite-dynamic-int8"} <= set(names)
    samples = load_dataset(data / "blobs", ("dark", "light")).samples
    pictures = [cv2.imread(str(sample.path))[:, :, ::-1].copy() for sample in samples]

    def scores(variant: str) -> np.ndarray:
        with Classifier(bundle, variant=variant) as classifier:
            return np.array([classifier.classify(p).scores["light"] for p in pictures])

    reference = scores("tflite-float32")
    for name in names:
        assert np.abs(scores(name) - reference).max() < SCORE_TOLERANCE, name


def test_the_recording_alone_gives_the_same_bytes(
    made: list[artefacts.Artefact], model: Path, recorded: recording.Recording, tmp_path: Path
) -> None:
    recorded.save(tmp_path / "kept.npz")
    again = pipeline.artefacts(model, recording.load(tmp_path / "kept.npz"), RECIPES, "mse")
    assert [a.name for a in again] == [a.name for a in made]
    for first, second in zip(made, again, strict=True):
        assert first.data == second.data, first.name


def weights_in(model: bytes) -> list[np.ndarray]:
    """Return the kernels and scales of an int8 ONNX file, as rows of output channels."""
    graph = onnx.load_from_string(model).graph
    stored = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    return [array for name, array in stored.items() if array.dtype == np.int8 and array.ndim > 1]


def test_the_quantizers_find_the_grid_of_the_learned_rounding(
    made: list[artefacts.Artefact], recorded: recording.Recording, model: Path
) -> None:
    net = float_graphs.improved(float_graphs.load_keras(model), recorded.steps)
    name = next(name for name in recorded.rounding if name.startswith("conv2d"))
    kernel = net.get_layer(name).get_weights()[0]
    steps = kernel / (np.abs(kernel).max(axis=(0, 1, 2)) / np.float32(127))
    up = np.unpackbits(recorded.rounding[name], count=kernel.size).reshape(kernel.shape)
    expected = (np.floor(steps) + up).astype(np.int8)
    assert (expected != np.round(steps)).any()
    files = {artefact.name: artefact.data for artefact in made}
    ours = expected.transpose(3, 2, 0, 1)
    assert any(np.array_equal(found, ours) for found in weights_in(files["onnx-int8"]))
    assert expected.transpose(3, 0, 1, 2).tobytes() in files["tflite-int8"]


def test_the_naive_way_has_one_scale_per_tensor(
    made: list[artefacts.Artefact],
    made_from: artefacts.Sources,
    model: Path,
    recorded: recording.Recording,
) -> None:
    naive = made_from.artefacts(["static_wi8_ai8"], "minmax", weights="per_tensor")

    def most_scales(found: list[artefacts.Artefact]) -> int:
        data = next(artefact.data for artefact in found if artefact.name == "onnx-int8")
        graph = onnx.load_from_string(data).graph
        return max(
            len(item.dims) and item.dims[0]
            for item in graph.initializer
            if item.name.endswith("_scale")
        )

    assert most_scales(made) == 16
    assert most_scales(naive) <= 1
    assert {artefact.name for artefact in naive} == {"tflite-int8", "onnx-int8", "tensorrt-int8"}
    with pytest.raises(ConfigError, match="per_channel, per_tensor"):
        pipeline.artefacts(model, recorded, ["static_wi8_ai8"], "mse", weights="tensor")


def test_tensorrt_takes_its_own_flavour_and_refuses_the_one_for_cpus(
    made: list[artefacts.Artefact],
) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="needs the extra trt-rtx")
    files = {artefact.name: artefact.data for artefact in made}
    engine, _ = engine_from_onnx(trt, files["tensorrt-int8"], strongly_typed=True)
    assert len(engine) > 1000
    with pytest.raises(InferenceError, match="zero point"):
        engine_from_onnx(trt, files["onnx-int8"], strongly_typed=True)


def test_a_recording_of_another_model_is_refused(
    recorded: recording.Recording, model: Path, tmp_path: Path
) -> None:
    net = keras.saving.load_model(model)
    net.set_weights([weight + 0.01 for weight in net.get_weights()])
    net.save(tmp_path / "other.keras")
    with pytest.raises(CalibrationError, match="recorded for another model"):
        pipeline.artefacts(tmp_path / "other.keras", recorded, ["static_wi8_ai8"], "mse")


def test_nan_in_a_weight_is_named(model: Path, tmp_path: Path) -> None:
    net = keras.saving.load_model(model)
    net.get_layer("logits").set_weights(
        [np.full_like(w, np.nan) for w in net.get_layer("logits").get_weights()]
    )
    net.save(tmp_path / "broken.keras")
    with pytest.raises(CalibrationError, match=r"logits.* holds NaN"):
        pipeline.artefacts(tmp_path / "broken.keras", None, ["float32"], "mse")


def test_a_static_recipe_without_calibration_is_refused(model: Path) -> None:
    with pytest.raises(CalibrationError, match="needs a calibration"):
        pipeline.artefacts(model, None, ["static_wi8_ai8"], "mse")


def test_an_unknown_recipe_is_refused(model: Path) -> None:
    with pytest.raises(ConfigError, match="static_wi8_ai8"):
        pipeline.artefacts(model, None, ["int8"], "mse")


def test_search_tries_every_way_and_keeps_the_closest(
    model: Path, wanted: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "GRAPHS", search.GRAPHS[:2])
    chosen = calibration_set.load_calibration_set(wanted)
    tuning = load_dataset(data / "blobs", ("dark", "light"))
    lines: list[str] = []
    found = search.search(
        model, chosen, calibration_set.select(chosen, data), tuning,
        max_drop_pp=50.0, told=lines.append,
    )  # fmt: skip
    assert len(found.trials) == 1 + 2 * 4
    assert lines == ["calibrating the graph: fold", "calibrating the graph: fold+bias"]
    assert found.trials[-1].weights == "per_tensor"
    errors = [trial.score_error for trial in found.trials[:-1]]
    assert errors == sorted(errors)
    assert bool(found.recording.shifts) == found.trials[0].graph.bias
    rows = search.table_rows(found.trials)
    assert len(rows) == 10
    assert [cell.partition(":")[0] for cell in rows[0][3:]] == list(search.MEASURED)


def test_search_says_what_the_best_was_when_none_is_good_enough(
    model: Path, wanted: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "GRAPHS", search.GRAPHS[:1])
    chosen = calibration_set.load_calibration_set(wanted)
    with pytest.raises(CalibrationError, match=r"the best loses -?\d+\.\d\d pp of 24 images"):
        search.search(
            model, chosen, calibration_set.select(chosen, data),
            load_dataset(data / "blobs", ("dark", "light")), max_drop_pp=-100.0,
        )  # fmt: skip
