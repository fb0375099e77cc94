"""Each TensorRT gets the flags it wants; a real parser and builder take our file.

The real one is TensorRT for RTX (extra trt-rtx): it parses and builds without a GPU, but it is not
the TensorRT of a Jetson, and it runs nothing here.
"""

from __future__ import annotations

import pytest

from edgecls.errors import InferenceError, MissingDependencyError
from edgecls.runtimes.tensorrt_build import engine_from_onnx
from tests.tiny_bundles import model
from tests.unit.runtimes.fake_tensorrt import FakeTensorRt


@pytest.mark.parametrize(
    ("version", "network_flags", "flags"),
    [
        ("8.5.2", 0b01, ["FP16", "INT8"]),
        ("10.3.0", 0b00, ["FP16", "INT8"]),
        ("11.1.0", 0b10, []),
    ],
)
def test_flags_follow_the_version(version: str, network_flags: int, flags: list[str]) -> None:
    trt = FakeTensorRt(version)
    engine, timing = engine_from_onnx(trt, b"model", timing_cache=b"before")
    assert (engine, timing) == (f"engine of {version}:model".encode(), b"timings after")
    assert (trt.network_flags, trt.flags, trt.timing) == (network_flags, flags, b"before")


def test_without_int8_hardware_a_float_model_runs_in_fp16_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trt = FakeTensorRt("8.5.2", int8=False)
    engine_from_onnx(trt, model("nchw.onnx"))
    assert trt.flags == ["FP16"]
    assert "no int8 hardware: the engine is fp16" in caplog.text


def test_without_int8_hardware_a_quantized_model_is_refused_before_it_is_built() -> None:
    trt = FakeTensorRt("8.5.2", int8=False)
    with pytest.raises(MissingDependencyError, match="no int8 hardware") as caught:
        engine_from_onnx(trt, model("qdq.onnx"))
    assert "float variant" in str(caught.value.hint)
    assert trt.builds == 0


def test_a_changing_size_is_refused_with_the_inputs_name() -> None:
    with pytest.raises(InferenceError, match=r"'image' has the changing shape \(-?1, -1, -1, 3\)"):
        engine_from_onnx(FakeTensorRt("10.3.0"), model("changing_size.onnx"))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("parse", "cannot parse the model: no such operator (node Frob_1)"),
        ("build", "cannot build the model: out of memory"),
    ],
)
def test_failures_name_their_reason(broken: str, told: str) -> None:
    with pytest.raises(InferenceError) as caught:
        engine_from_onnx(FakeTensorRt("10.3.0", broken=broken), b"model")
    assert told in caught.value.message
    assert caught.value.hint


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # RTX wants no timing cache
@pytest.mark.parametrize("name", ["nchw.onnx", "nhwc.onnx"])
def test_a_real_parser_and_builder_make_an_engine_for_one_image(name: str) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="needs the extra trt-rtx")
    steps: list[tuple[str, int, int]] = []
    engine, _ = engine_from_onnx(
        trt,
        model(name),
        strongly_typed=True,
        told=lambda what, done, total, seconds: steps.append((what, done, total)),
    )
    assert len(engine) > 1000
    assert ("Building engine", 0, 6) in steps
    assert all(done <= total for _, done, total in steps)
