"""What a GPU without int8 hardware runs: the float ONNX file, told as a variant for TensorRT."""

from __future__ import annotations

from collections.abc import Sequence

from edgecls.bundle.manifest import Variant

NAME = "tensorrt-float16"


def with_tensorrt_float(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """Add, after a quantized variant for TensorRT, the float ONNX one, of the same file.

    TensorRT up to version 10 compiles it in fp16. The bundle grows by nothing; `auto` comes to it
    only where the quantized one cannot run.
    """
    known = {(item.runtime, item.precision) for item in variants}
    source = next((v for v in variants if (v.runtime, v.precision) == ("onnx", "float32")), None)
    if source is None or ("tensorrt", "int8") not in known or ("tensorrt", "float16") in known:
        return tuple(variants)
    twin = source.model_copy(
        update={"name": NAME, "runtime": "tensorrt", "precision": "float16", "accuracy": None}
    )
    place = 1 + max(i for i, item in enumerate(variants) if item.runtime == "tensorrt")
    return (*variants[:place], twin, *variants[place:])
