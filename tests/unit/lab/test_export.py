"""One small network through every exporter: the same answers come out."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the lab extra (keras)")
pytest.importorskip("tensorflow", reason="needs the lab extra (tensorflow)")
pytest.importorskip("tf2onnx", reason="needs the lab extra (tf2onnx)")

from edgecls.lab.answers import logits_from_onnx, logits_from_tflite  # noqa: E402
from edgecls.lab.export import onnx_from_keras, tflite_from_keras  # noqa: E402
from edgecls.lab.quantize import onnx_int8_from_onnx, tflite_int8_from_keras  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

FLOAT_TOLERANCE = 1e-4
"""Two float engines order their sums differently."""
INT8_TOLERANCE = 0.08
"""About three steps of an 8-bit scale over the logits' range of a few units."""


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


def test_all_four_files_agree_with_the_network(network, images) -> None:  # type: ignore[no-untyped-def]
    expected = np.concatenate([np.asarray(network(image[None])) for image in images])
    floats = onnx_from_keras(network)
    tflite = logits_from_tflite(tflite_from_keras(network), images)
    onnx = logits_from_onnx(floats.SerializeToString(), images)
    assert np.abs(tflite - expected).max() < FLOAT_TOLERANCE
    assert np.abs(onnx - expected).max() < FLOAT_TOLERANCE

    tflite_int8 = logits_from_tflite(tflite_int8_from_keras(network, images), images)
    onnx_int8 = logits_from_onnx(onnx_int8_from_onnx(floats, images).SerializeToString(), images)
    spread = float(np.ptp(expected))
    assert np.abs(tflite_int8 - expected).mean() < INT8_TOLERANCE * spread
    assert np.abs(onnx_int8 - expected).mean() < INT8_TOLERANCE * spread
