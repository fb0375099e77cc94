"""One small network through every exporter: the same answers come out."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the lab extra (keras)")
pytest.importorskip("tensorflow", reason="needs the lab extra (tensorflow)")
pytest.importorskip("tf2onnx", reason="needs the lab extra (tf2onnx)")

from edgecls.lab.export import onnx_from_keras, tflite_from_keras  # noqa: E402
from edgecls.runtimes.onnx import OnnxRuntime  # noqa: E402
from edgecls.runtimes.tflite import TFLiteRuntime  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

FLOAT_TOLERANCE = 1e-4
"""Two float engines order their sums differently."""


@pytest.fixture(scope="module")
def network():  # type: ignore[no-untyped-def]
    keras.utils.set_random_seed(1)
    image = keras.Input((32, 32, 3), batch_size=1)
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    peak = keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(1, 1)(x))
    mean = keras.layers.GlobalAveragePooling2D()(x)
    both = keras.layers.Add()([keras.layers.Dense(2)(mean), keras.layers.Dense(2)(peak)])
    return keras.Model(image, both)


@pytest.fixture(scope="module")
def images() -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(2).uniform(-1.0, 1.0, (64, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("exported", "runtime"), [(tflite_from_keras, TFLiteRuntime), (onnx_from_keras, OnnxRuntime)]
)
def test_the_file_agrees_with_the_network(exported, runtime, network, images) -> None:  # type: ignore[no-untyped-def]
    expected = np.concatenate([np.asarray(network(image[None])) for image in images])
    made = exported(network)
    data = made if isinstance(made, bytes) else made.SerializeToString()
    with runtime(data, threads=1) as loaded:
        shape = loaded.input.shape
        laid = images if shape[-1] == 3 else np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        answers = np.concatenate([loaded.infer(image[None]) for image in laid])
    assert np.abs(answers - expected).max() < FLOAT_TOLERANCE
