"""A bundle for TensorRT also tells what a GPU without int8 hardware runs."""

from __future__ import annotations

from edgecls.bundle.manifest import Variant
from edgecls.bundle.tensorrt_float import with_tensorrt_float

FLOAT = Variant(
    name="onnx-float32",
    runtime="onnx",
    precision="float32",
    file="onnx-float32.onnx",
    sha256="a" * 64,
    bytes=9,
)
INT8 = FLOAT.model_copy(
    update={"name": "tensorrt-int8", "runtime": "tensorrt", "precision": "int8", "file": "t.onnx"}
)


def test_the_float_file_is_told_once_more_after_the_quantized_one() -> None:
    found = with_tensorrt_float([INT8, FLOAT])
    assert [item.name for item in found] == ["tensorrt-int8", "tensorrt-float16", "onnx-float32"]
    assert (found[1].file, found[1].sha256, found[1].precision) == (
        FLOAT.file,
        FLOAT.sha256,
        "float16",
    )
    assert with_tensorrt_float(found) == found


def test_without_a_pair_nothing_is_added() -> None:
    assert with_tensorrt_float([FLOAT]) == (FLOAT,)
    assert with_tensorrt_float([INT8]) == (INT8,)
