"""Turn a trained Keras classifier into float32 TFLite and float32 ONNX files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import onnx
import tensorflow as tf
import tf2onnx

OPSET = 15


@contextmanager
def converter_from_keras(model: keras.Model) -> Iterator[tf.lite.TFLiteConverter]:
    """Open a TFLite converter on a classifier; its SavedModel lives as long as the block.

    The SavedModel is not a detour: converting a concrete function directly gives files whose
    weights are garbage (TensorFlow 2.19 with Keras 3.15).
    """
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False)
        yield tf.lite.TFLiteConverter.from_saved_model(folder)


def tflite_from_keras(model: keras.Model) -> bytes:
    """Convert to float32 TFLite: input (1, H, W, 3), output logits (1, classes)."""
    with converter_from_keras(model) as converter:
        return bytes(converter.convert())


def onnx_from_keras(model: keras.Model) -> onnx.ModelProto:
    """Convert to float32 ONNX: input (1, 3, H, W), output logits (1, classes).

    Channels come first because ONNX's convolutions want them so: no transpose is left in the graph.
    """
    _, height, width, channels = model.input.shape
    spec = (tf.TensorSpec((1, height, width, channels), tf.float32, name="image"),)
    function = tf.function(lambda image: model(image, training=False))
    proto: onnx.ModelProto
    proto, _ = tf2onnx.convert.from_function(
        function, input_signature=spec, opset=OPSET, inputs_as_nchw=["image"]
    )
    proto.graph.doc_string = ""
    onnx.checker.check_model(proto)
    return proto
