"""What comes as ONNX: names of nodes may be missing, and what cannot be quantized is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the lab extra (onnx)")

from onnx import helper  # noqa: E402

from edgecls.errors import CalibrationError  # noqa: E402
from edgecls.lab.quantization import fits, histograms, recording  # noqa: E402
from edgecls.lab.quantization import onnx as made_onnx  # noqa: E402
from edgecls.lab.quantization.calibration_set import CalibrationSet  # noqa: E402
from edgecls.lab.quantization.onnx import onnx_quantized_from_float, prepared  # noqa: E402
from edgecls.runtimes.onnx import OnnxRuntime  # noqa: E402
from edgecls.runtimes.tap_onnx import TapOnnx  # noqa: E402

FLOAT = onnx.TensorProto.FLOAT
SIDE = 8


def net(
    *,
    batch: int = 1,
    last: str | None = None,
    outputs: int = 1,
    dtype: int = FLOAT,
    gain: float = 1,
) -> Any:
    """Two convolutions of the same shape, none of the nodes named, and a mean: (1, 3, 8, 8) in."""
    kind = helper.tensor_dtype_to_np_dtype(dtype)
    random = np.random.default_rng(3)
    shape = (2 if last else 3, 3, 1, 1)
    kernels = [random.normal(0, 1, (3, 3, 1, 1)), gain * random.normal(0, 1, shape)]
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["a"]),
        helper.make_node("Conv", ["a", "second"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d" if last and last != "Identity" else "scores"]),
    ]
    if last and last != "Identity":
        nodes.append(helper.make_node(last, ["d"], ["scores"]))
    named = [("scores", [batch, shape[0]]), ("c", [batch, shape[0], 1, 1])][:outputs]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", dtype, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, dtype, sides) for name, sides in named],
        [
            onnx.numpy_helper.from_array(kernel.astype(kind), name)
            for kernel, name in zip(kernels, ("first", "second"), strict=True)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    return model


def wanted(activation: str) -> CalibrationSet:
    return CalibrationSet.model_validate(
        {
            "name": "blobs",
            "labels": ["dark", "light"],
            "source": {"data": "blobs"},
            "selection": {"count": 2},
            "input": {"width": SIDE, "height": SIDE, "mean": [0] * 3, "std": [255] * 3},
            "output": {"activation": activation},
        }
    )


def answer(model: Any, image: np.ndarray) -> np.ndarray:
    with OnnxRuntime(model.SerializeToString(), threads=1) as loaded:
        return loaded.infer(image)


def test_nodes_without_names_keep_each_their_own_weights() -> None:
    model = net()
    image = np.random.default_rng(1).uniform(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    ready = prepared(model)
    assert len({item.name for item in ready.graph.initializer}) == 2
    assert np.abs(answer(ready, image) - answer(model, image)).max() < 1e-6
    seen = dict.fromkeys(("image", "a", "b", "c", "scores"), (-8.0, 8.0))
    for flavour in ("cpu", "tensorrt"):
        quantized = onnx_quantized_from_float(ready, flavour, seen)
        assert np.abs(answer(quantized, image) - answer(model, image)).max() < 0.2


def residual_net(classes: int) -> Any:
    """Return convolutions around an addition and a dense head; (1, 3, 8, 8) in, logits out."""
    random = np.random.default_rng(5)
    shapes = {"a": (4, 3, 1, 1), "b": (4, 4, 1, 1), "c": (4, 4, 3, 3), "head": (4, classes)}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "a"], ["start"]),
            helper.make_node("Conv", ["start", "b"], ["branch"]),
            helper.make_node("Add", ["start", "branch"], ["sum"]),
            helper.make_node("Conv", ["sum", "c"], ["end"]),
            helper.make_node("GlobalAveragePool", ["end"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "head"], ["scores"]),
        ],
        "net",
        [helper.make_tensor_value_info("image", FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", FLOAT, [1, classes])],
        [
            onnx.numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), name)
            for name, shape in shapes.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    return model


def sources_of(model: Any, kind: str) -> list[list[str]]:
    """Return what computes the inputs of each node of a kind, but for constants."""
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    found = [node for node in model.graph.node if node.op_type == kind]
    return [[makers[name] for name in node.input if name in makers] for node in found]


def test_tensorrt_adds_a_convolution_as_it_comes_and_the_shortcut_in_int8() -> None:
    ready = prepared(residual_net(2))
    tensors = ("image", "start", "branch", "sum", "end", "mean", "flat", "scores")
    seen = dict.fromkeys(tensors, (-2.0, 2.0))
    quantized = onnx_quantized_from_float(ready, "tensorrt", seen)
    onnx.checker.check_model(quantized, full_check=True)
    assert sources_of(quantized, "Add") == [["DequantizeLinear", "Conv"]]
    assert sources_of(quantized, "Conv") == 3 * [["DequantizeLinear", "DequantizeLinear"]]
    read = {name for node in quantized.graph.node for name in node.input}
    assert {item.name for item in quantized.graph.initializer} <= read
    image = np.random.default_rng(1).uniform(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    assert np.abs(answer(quantized, image) - answer(ready, image)).max() < 0.03


@pytest.mark.parametrize(("classes", "quantized"), [(2, True), (1, False)])
def test_tensorrt_keeps_a_head_in_float_that_has_next_to_no_weights(
    classes: int, quantized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = 12 + 16 + 144 + 4
    monkeypatch.setattr(made_onnx, "SMALL_HEAD", 4 / weights)  # what one class has; two have more
    ready = prepared(residual_net(classes))
    tensors = ("image", "start", "branch", "sum", "end", "mean", "flat", "scores")
    found = onnx_quantized_from_float(ready, "tensorrt", dict.fromkeys(tensors, (-2.0, 2.0)))
    (sources,) = sources_of(found, "MatMul")
    assert ("DequantizeLinear" in sources) is quantized


def test_a_quantized_output_is_compared_too() -> None:
    random = np.random.default_rng(3)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "kernel"], ["scores"]),
        ],
        "net",
        [helper.make_tensor_value_info("image", FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", FLOAT, [1, 2])],
        [onnx.numpy_helper.from_array(random.normal(0, 1, (3, 2)).astype(np.float32), "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    ready = prepared(model)
    seen = dict.fromkeys(("image", "mean", "flat", "scores"), (-4.0, 4.0))
    quantized = onnx_quantized_from_float(ready, "cpu", seen)
    image = random.uniform(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    one, other = (TapOnnx(item.SerializeToString())(image) for item in (ready, quantized))
    assert list(one) == ["mean", "scores"]
    assert np.abs(other["scores"] - one["scores"]).max() < 0.2


@pytest.mark.parametrize(
    ("changes", "activation", "told"),
    [
        ({"outputs": 2}, "softmax", "1 input and 2 outputs, expected one image"),
        ({"batch": 4}, "softmax", "takes 4 images at a time, expected 1"),
        ({"dtype": onnx.TensorProto.FLOAT16}, "softmax", "takes float16, expected float32"),
        ({"gain": 9}, "none", "no probabilities, and the activation is none"),
        ({"last": "Softmax"}, "softmax", "gives probabilities already"),
    ],
)
def test_a_graph_that_cannot_be_quantized_is_refused_first(
    changes: dict[str, Any], activation: str, told: str
) -> None:
    model = net(**{"last": "Identity", **changes})
    with pytest.raises(CalibrationError, match=told):
        fits.check_graph_fits(model, wanted(activation))


def test_a_graph_that_fits_its_set_is_taken() -> None:
    fits.check_graph_fits(net(last="Identity"), wanted("softmax"))
    fits.check_graph_fits(net(last="Softmax"), wanted("none"))


@pytest.mark.parametrize(("low", "high", "refused"), [(0.1, 0.9, True), (-0.1, 0.9, False)])
def test_probabilities_are_no_logits_of_independent_labels(
    low: float, high: float, refused: bool
) -> None:
    half = histograms.Histogram()
    half.add(np.array([low, high], np.float32))
    seen = recording.Observed("", {"scores": (half, half)})
    model = net(last="Sigmoid")
    fits.check_observed_fits(seen, model, wanted("none"))
    if not refused:
        fits.check_observed_fits(seen, model, wanted("sigmoid"))
        return
    with pytest.raises(CalibrationError, match="probabilities already, and the activation is sig"):
        fits.check_observed_fits(seen, model, wanted("sigmoid"))


@pytest.mark.parametrize("kind", ["empty", "cut", "text", "array", "other"])
def test_a_file_that_is_no_recording_is_told(tmp_path: Path, kind: str) -> None:
    half = histograms.Histogram()
    half.add(np.ones(3, np.float32))
    path = tmp_path / "set.npz"
    found = {"onnx": recording.Observed("0" * 64, {"scores": (half, half)})}
    recording.Recording("blobs", ("1" * 64,), found).save(path)
    assert recording.load(path).images == ("1" * 64,)
    whole = path.read_bytes()
    content = {"empty": b"", "cut": whole[: len(whole) // 2], "text": json.dumps({}).encode()}
    if kind in content:
        path.write_bytes(content[kind])
    elif kind == "array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        np.savez(path, header=np.zeros(3))
    with pytest.raises(CalibrationError, match="is not a calibration recording"):
        recording.load(path)
