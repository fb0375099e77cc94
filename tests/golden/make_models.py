"""Make the tiny models in tests/golden/models (needs the lab extra): python make_models.py

Each tells red pictures from blue ones, so that swapped channels show: logit = 8 * (mean red - mean
blue), for the labels red and blue; 8x8 RGB from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent / "models"
SIDE = 8
WEIGHTS = np.array([[8, -8], [0, 0], [-8, 8]], np.float32)


class RedOrBlue(tf.Module):
    """One convolution over the whole picture: a mean per channel, then the weights."""

    def __init__(self, *, single: bool = False, logits: bool = False) -> None:
        super().__init__()
        weights = WEIGHTS[:, 1:] * 2 if single else WEIGHTS
        kernel = np.broadcast_to(weights / SIDE**2, (SIDE, SIDE, *weights.shape))
        self.kernel = tf.constant(kernel, tf.float32)
        self.last = tf.nn.sigmoid if single else tf.identity if logits else tf.nn.softmax

    @tf.function(input_signature=[tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32, name="image")])
    def scores(self, image: tf.Tensor) -> tf.Tensor:
        return self.last(tf.nn.conv2d(image, self.kernel, 1, "VALID")[:, 0, 0, :])


def tflite(module: RedOrBlue, *, int8: bool) -> bytes:
    function = module.scores.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = pictures
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def pictures() -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(1)
    yield [np.zeros((1, SIDE, SIDE, 3), np.float32)]
    yield [np.ones((1, SIDE, SIDE, 3), np.float32)]
    for _ in range(50):
        tint = rng.random((1, 1, 1, 3), np.float32)
        yield [tint * rng.random((1, SIDE, SIDE, 3), np.float32)]


def onnx_model(*, channels_first: bool, qdq: bool = False, batch: int | str = 1) -> bytes:
    """Return the same classifier as a graph: mean, weights, softmax; with QDQ around the mean."""
    sides = (3, SIDE, SIDE) if channels_first else (SIDE, SIDE, 3)
    weights = [numpy_helper.from_array(WEIGHTS, "weights")]
    axes = [2, 3] if channels_first else [1, 2]
    nodes, image = [], "image"
    if qdq:
        weights.append(numpy_helper.from_array(np.float32(1 / 255), "scale"))
        weights.append(numpy_helper.from_array(np.int8(-128), "zero_point"))
        nodes = [
            helper.make_node("QuantizeLinear", ["image", "scale", "zero_point"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero_point"], ["real"]),
        ]
        image = "real"
    nodes += [
        helper.make_node("ReduceMean", [image], ["mean"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "red_or_blue",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (batch, *sides))],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, (batch, 2))],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def two_inputs() -> bytes:
    """Return a model that no bundle can hold."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])],
        "sum",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 2)) for name in "ab"],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, (1, 2))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def two_inputs_tflite() -> bytes:
    module = tf.Module()
    spec = tf.TensorSpec((1, 2), tf.float32)
    function = tf.function(lambda a, b: a + b).get_concrete_function(spec, spec)
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([function], module).convert())


def changing_size_tflite() -> bytes:
    module = tf.Module()
    spec = tf.TensorSpec((1, None, None, 3), tf.float32)
    function = tf.function(lambda image: tf.reduce_mean(image, (1, 2))).get_concrete_function(spec)
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([function], module).convert())


def changing_size_onnx() -> bytes:
    model = onnx.load_from_string(onnx_model(channels_first=False))
    for index in (1, 2):
        model.graph.input[0].type.tensor_type.shape.dim[index].dim_param = f"side{index}"
    return bytes(model.SerializeToString())


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, content in {
        "float.tflite": tflite(RedOrBlue(), int8=False),
        "int8.tflite": tflite(RedOrBlue(), int8=True),
        "sigmoid.tflite": tflite(RedOrBlue(single=True), int8=False),
        "logits.tflite": tflite(RedOrBlue(logits=True), int8=False),
        "two_inputs.tflite": two_inputs_tflite(),
        "changing_size.tflite": changing_size_tflite(),
        "nhwc.onnx": onnx_model(channels_first=False),
        "nchw.onnx": onnx_model(channels_first=True, batch="batch"),
        "qdq.onnx": onnx_model(channels_first=False, qdq=True),
        "two_inputs.onnx": two_inputs(),
        "changing_size.onnx": changing_size_onnx(),
    }.items():
        (FOLDER / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
