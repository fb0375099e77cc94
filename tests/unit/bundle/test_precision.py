"""The precision of a foreign file is read from what is stored in it, not from its input's type."""

from __future__ import annotations

import pytest

from edgecls.bundle.create import draft_from_spec
from edgecls.bundle.precision import precision_inside
from edgecls.bundle.spec import spec_from_mapping
from tests.tiny_bundles import MODELS
from tests.unit.bundle.test_create import SPEC, load


@pytest.mark.parametrize(
    ("file", "precision"),
    [
        ("float.tflite", "float32"),
        ("int8.tflite", "int8"),
        ("nhwc.onnx", "float32"),
        ("qdq.onnx", "int8"),
    ],
)
def test_models_tell_their_precision(file: str, precision: str) -> None:
    path = MODELS / file
    assert precision_inside(path.suffix[1:], path.read_bytes()) == precision


def test_a_file_of_another_kind_tells_nothing() -> None:
    model = (MODELS / "float.tflite").read_bytes()
    assert precision_inside("tensorrt", model) is None
    assert precision_inside("tflite", model[: len(model) // 3]) is None
    assert precision_inside("onnx", b"\x3a\xff") is None


@pytest.mark.filterwarnings("ignore")
def test_files_that_take_and_give_float32_are_told_apart(tmp_path: object) -> None:
    keras = pytest.importorskip("keras", reason="needs the lab extra")
    tflite = pytest.importorskip("edgecls.lab.quantization.tflite", reason="needs the lab extra")
    from pathlib import Path

    import numpy as np
    import tensorflow as tf

    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(16, 3, activation="relu")(image)
    net = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    folder = Path(str(tmp_path))
    net.export(folder / "net", format="tf_saved_model", verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "net"))
    plain = bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    random = np.random.default_rng(1)
    pictures = random.uniform(0, 1, (4, 1, 8, 8, 3)).astype(np.float32)
    converter.representative_dataset = lambda: [[picture] for picture in pictures]
    files = {
        "float32": plain,
        "float16": tflite.tflite_quantized_from_float(plain, "float16"),
        "dynamic-int8": tflite.tflite_quantized_from_float(plain, "dynamic_wi8_afp32"),
        "int8": bytes(converter.convert()),
    }
    for precision, content in files.items():
        (folder / f"{precision}.tflite").write_bytes(content)
    wanted = {
        **SPEC,
        "output": {"activation": "softmax"},
        "variants": [{"file": folder / f"{precision}.tflite"} for precision in files],
    }
    made = draft_from_spec(spec_from_mapping(wanted, origin="spec"), load=load)
    assert [variant.precision for variant in made.manifest.variants] == list(files)
