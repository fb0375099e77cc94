"""A network that learned in mixed precision leaves in float32, with the weights it learned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras", reason="the lab extra is not installed")

import keras

from edgecls.lab.building import network_from
from edgecls.lab.export import onnx_from_keras, tflite_from_keras
from edgecls.lab.full_precision import in_float32
from edgecls.lab.quantization.float_graphs import load_keras
from edgecls.lab.recipe import Architecture

pytestmark = pytest.mark.filterwarnings("ignore")  # converters, NumPy 2


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def mixed(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the name of a policy that new layers have, for one test."""
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


def _dtypes(model: keras.Model) -> set[str]:
    return {layer.compute_dtype for layer in model._flatten_layers(include_self=False)}


@pytest.mark.parametrize("name", ["resnet8", "mobilenet_v2", "person_mobilenet_v1"])
def test_every_layer_computes_in_float32_with_the_same_weights(mixed: str, name: str) -> None:
    model = network_from(Architecture(name=name), size_px=32, classes=2).model
    assert mixed.removeprefix("mixed_") in _dtypes(model)
    given = in_float32(model)
    assert _dtypes(given) == {"float32"}
    for mine, its in zip(given.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    image = np.random.default_rng(1).random((2, 32, 32, 3), dtype=np.float32)
    few, full = (np.asarray(m(image, training=False), np.float32) for m in (model, given))
    assert np.abs(few - full).max() < 0.05 * max(1, np.abs(full).max())


def test_a_mixed_file_can_be_exported(mixed: str, tmp_path: Path) -> None:
    model = network_from(Architecture(name="resnet8"), size_px=32, classes=2).model
    model.save(tmp_path / "mixed.keras")
    loaded = load_keras(tmp_path / "mixed.keras")
    assert tflite_from_keras(loaded)
    kinds = {item.data_type for item in onnx_from_keras(loaded).graph.initializer}
    assert {10, 16}.isdisjoint(kinds)  # float16, bfloat16


def test_a_float32_network_is_left_alone() -> None:
    model = network_from(Architecture(name="resnet8"), size_px=32, classes=2).model
    assert in_float32(model) is model
