"""Inside two variants: ONNX tensors are made outputs without the onnx package."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.bundle.open import open_bundle
from edgecls.errors import ConfigError
from edgecls.measure.layers import SQNR_MAX_DB, compare_layers
from edgecls.runtimes.onnx_outputs import inner_outputs, with_outputs
from tests.tiny_bundles import model, picture, tiny_bundle


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    found = []
    for place, colour in enumerate([(230, 40, 20), (20, 40, 230), (120, 90, 100)]):
        found.append(tmp_path / f"{place}.png")
        cv2.imwrite(str(found[-1]), picture(*colour)[:, :, ::-1])
    return found


def test_the_same_model_twice_has_no_error(tmp_path: Path, photos: list[Path]) -> None:
    same = {"onnx-a": model("nchw.onnx"), "onnx-b": model("nchw.onnx")}
    found = compare_layers(
        open_bundle(tiny_bundle(tmp_path / "b", same)), "onnx-a", "onnx-b", photos
    )
    assert found.layers
    assert found.unmatched == 0
    assert {layer.sqnr_db.value for layer in found.layers} == {SQNR_MAX_DB}
    assert [layer.drop_db for layer in found.layers] == [0.0] * len(found.layers)
    assert found.agreement.value == 1.0


def test_a_quantized_onnx_model_is_matched_by_its_float_names(
    tmp_path: Path, photos: list[Path]
) -> None:
    models = {"onnx-float32": model("nhwc.onnx"), "onnx-int8": model("qdq.onnx")}
    bundle = open_bundle(tiny_bundle(tmp_path / "b", models))
    found = compare_layers(bundle, "onnx-float32", "onnx-int8", photos)
    assert found.reason is None
    assert all(10 < layer.sqnr_db.value <= SQNR_MAX_DB for layer in found.layers)
    assert all(layer.cosine.value > 0.99 for layer in found.layers)


def test_a_tflite_model_shows_its_layers(tmp_path: Path, photos: list[Path]) -> None:
    found = compare_layers(
        open_bundle(tiny_bundle(tmp_path / "b")), "tflite-float32", "tflite-int8", photos
    )
    assert found.layers
    assert found.images == 3
    assert found.score_max < 0.02  # int8 scores come in steps of 1/256
    with pytest.raises(ConfigError, match="has no variant 'int4'"):
        compare_layers(open_bundle(tmp_path / "b"), "tflite-float32", "int4", photos)


def test_inner_tensors_are_made_outputs() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    original = model("nchw.onnx")
    names = [name for name, _ in inner_outputs(original)]
    assert len(names) > 1
    session = onnxruntime.InferenceSession(
        with_outputs(original, names), providers=["CPUExecutionProvider"]
    )
    assert {item.name for item in session.get_outputs()} == set(names)
    put = session.get_inputs()[0]
    shape = [side if isinstance(side, int) else 1 for side in put.shape]
    values = session.run(names, {put.name: np.ones(shape, np.float32)})
    assert all(np.isfinite(value).all() for value in values)


@pytest.mark.parametrize("data", [b"\xff\xff", b"\x0b\x00", b"\x3a\x80"])
def test_other_bytes_are_no_model(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        inner_outputs(data)
