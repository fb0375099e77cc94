"""TensorRtRuntime on the stand-ins: the contract, the cache, and a GPU without int8."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from edgecls import plugins
from edgecls.bundle.open import open_bundle
from edgecls.classifier import Classifier
from edgecls.errors import InferenceError, MissingDependencyError
from edgecls.runtimes import BARE_LOOPS
from edgecls.runtimes.onnx import OnnxRuntime
from tests.contract import test_runtime_contract as contract
from tests.tiny_bundles import model, tiny_bundle
from tests.unit.runtimes.conftest import Jetson
from tests.unit.runtimes.fake_tensorrt import FakeTensorRt

PROMISES = (
    contract.test_is_the_contract,
    contract.test_answers_as_its_spec_says,
    contract.test_the_answer_is_the_callers_own,
    contract.test_the_batch_is_not_written_to,
    contract.test_a_batch_that_does_not_fit_is_refused,
    contract.test_can_be_closed_twice_and_then_refuses,
)


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("name", ["nhwc.onnx", "nchw.onnx", "qdq.onnx"])
def test_keeps_the_contract(jetson: Jetson, name: str, promise: contract.Any) -> None:
    with jetson.leaf.TensorRtRuntime(model(name)) as runtime:
        promise(runtime)
    assert (jetson.gpu.held, jetson.gpu.streams) == ({}, 0)


def test_answers_as_the_model_does_elsewhere(jetson: Jetson) -> None:
    with jetson.leaf.TensorRtRuntime(model("nchw.onnx")) as ours:
        batch = contract.batch(ours)
        with OnnxRuntime(model("nchw.onnx")) as theirs:
            np.testing.assert_array_equal(ours.infer(batch), theirs.infer(batch))
        bare = plugins.load("bare loop", BARE_LOOPS, "tensorrt")(model("nchw.onnx"))
        np.testing.assert_array_equal(bare(batch), ours.infer(batch))


def test_an_engine_is_built_once_and_again_for_another_tensorrt(jetson: Jetson) -> None:
    for _ in range(2):
        jetson.leaf.TensorRtRuntime(model("nchw.onnx")).close()
    assert jetson.trt.builds == 1
    jetson.trt.__version__ = "10.4.0"
    jetson.leaf.TensorRtRuntime(model("nchw.onnx")).close()
    assert jetson.trt.builds == 2


def test_a_kept_engine_that_is_refused_names_what_to_do(jetson: Jetson) -> None:
    jetson.leaf.TensorRtRuntime(model("nchw.onnx")).close()
    kept = next(Path(jetson.leaf.default_folder()).glob("*.engine"))
    kept.write_bytes(b"engine of 8.5.2:" + model("nchw.onnx"))
    with pytest.raises(InferenceError, match="refuses the engine") as caught:
        jetson.leaf.TensorRtRuntime(model("nchw.onnx"))
    assert "--rebuild" in str(caught.value.hint)
    assert jetson.gpu.streams == 0


def test_models_of_another_shape_leave_nothing_on_the_gpu(jetson: Jetson) -> None:
    with pytest.raises(InferenceError, match="2 inputs, expected exactly 1"):
        jetson.leaf.TensorRtRuntime(model("two_inputs.onnx"))
    assert (jetson.gpu.held, jetson.gpu.streams) == ({}, 0)


@pytest.mark.parametrize("jetson", [FakeTensorRt("8.5.2", int8=False)], indirect=True)
def test_auto_takes_the_float_variant_where_there_is_no_int8(
    jetson: Jetson, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tiny_bundle(
        tmp_path / "tiny",
        {"tensorrt-int8": model("qdq.onnx"), "tensorrt-float16": model("nchw.onnx")},
    )
    bundle = open_bundle(folder)
    with caplog.at_level(logging.INFO), Classifier(bundle) as classifier:
        assert classifier.variant.name == "tensorrt-float16"
    assert "tensorrt-int8 cannot run here: this GPU has no int8 hardware" in caplog.text
    assert "the engine is fp16" in caplog.text
    with pytest.raises(MissingDependencyError, match="no int8 hardware"):
        Classifier(bundle, variant="tensorrt-int8")


@pytest.mark.parametrize("jetson", [FakeTensorRt("8.2.1.8")], indirect=True)
def test_a_tensorrt_that_is_too_old_is_told(jetson: Jetson) -> None:
    with pytest.raises(
        MissingDependencyError, match=r"TensorRT 8\.2\.1\.8, expected 8\.5 or later"
    ):
        jetson.leaf.TensorRtRuntime(model("nchw.onnx"))
    assert jetson.gpu.streams == 0


def _auto_of(folder: Path) -> str:
    models = {"tensorrt-int8": model("qdq.onnx"), "tflite-int8": model("int8.tflite")}
    with Classifier(open_bundle(tiny_bundle(folder, models))) as classifier:
        return classifier.variant.name


@pytest.mark.parametrize("jetson", [FakeTensorRt("8.2.1.8")], indirect=True)
def test_auto_passes_an_old_tensorrt_over_without_asking_the_gpu(
    jetson: Jetson, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On JetPack 4.6 in a container that may not use the GPU, every call of CUDA fails."""
    jetson.gpu.fails = 304  # cudaErrorOperatingSystem
    assert _auto_of(tmp_path / "tiny") == "tflite-int8"
    assert not [line for line in caplog.records if line.levelno >= logging.WARNING]


def test_auto_passes_tensorrt_over_where_there_is_no_gpu(
    jetson: Jetson, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jetson.gpu.fails = 100  # cudaErrorNoDevice
    assert _auto_of(tmp_path / "tiny") == "tflite-int8"
    (warned,) = [line.message for line in caplog.records if line.levelno >= logging.WARNING]
    assert "variant tensorrt-int8 cannot run here: CUDA: cudaStreamCreate finds no GPU" in warned
    with pytest.raises(MissingDependencyError, match="finds no GPU that it may use: 100"):
        jetson.leaf.TensorRtRuntime(model("nchw.onnx"))
    jetson.gpu.fails = 700  # cudaErrorIllegalAddress: a fault, not a lack
    with pytest.raises(InferenceError, match="cudaStreamCreate failed with 700"):
        jetson.leaf.TensorRtRuntime(model("nchw.onnx"))
