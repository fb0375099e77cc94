"""Turn a trained Keras classifier, or a SavedModel, into float32 TFLite and float32 ONNX files."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from edgecls.errors import CalibrationError
from edgecls.lab.unsupported import naming_unsupported, refuse_unknown_operations

OPSET = 15
SIGNATURE = "serving_default"
Function = Callable[[Any], Any]  # Any: TensorFlow's tensors


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
    """Convert to float32 TFLite: input (1, H, W, 3), output logits (1, classes).

    Raises:  CalibrationError naming an operation that TFLite lacks, and its layer.
    """
    with converter_from_keras(model) as converter, naming_unsupported("TFLite"):
        return bytes(converter.convert())


def onnx_from_keras(model: keras.Model) -> onnx.ModelProto:
    """Convert to float32 ONNX: input (1, 3, H, W), output logits (1, classes).

    Channels come first because ONNX's convolutions want them so: no transpose is left in the graph.

    Raises:  CalibrationError naming an operation that ONNX lacks, and its layer.
    """
    _, height, width, channels = model.input.shape
    with _means_as_numbers(model):
        return _onnx(lambda image: model(image, training=False), (1, height, width, channels))


@contextmanager
def _means_as_numbers(model: keras.Model) -> Iterator[None]:
    """Let Normalization layers hold arrays meanwhile: their tensors would become graph inputs."""
    layers = [
        layer
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.Normalization)
    ]
    held = [(layer.mean, layer.variance) for layer in layers]
    for layer, (mean, variance) in zip(layers, held, strict=True):
        layer.mean, layer.variance = np.asarray(mean), np.asarray(variance)
    try:
        yield
    finally:
        for layer, (mean, variance) in zip(layers, held, strict=True):
            layer.mean, layer.variance = mean, variance


@dataclass(frozen=True)
class SavedModel:
    """A TensorFlow SavedModel with one float32 image in and one tensor of class scores out.

    Args:    shape: of the input, (1, height, width, channels).
    """

    path: Path
    shape: tuple[int, ...]
    function: Function

    def tflite(self) -> bytes:
        """Convert to float32 TFLite. Raises: CalibrationError, as `tflite_from_keras`."""
        converter = tf.lite.TFLiteConverter.from_saved_model(str(self.path))
        with naming_unsupported("TFLite"):
            return bytes(converter.convert())

    def onnx(self) -> onnx.ModelProto:
        """Convert to float32 ONNX, channels first. Raises: CalibrationError."""
        return _onnx(self.function, self.shape)


def load_saved_model(path: Path) -> SavedModel:
    """Open a SavedModel folder and check what goes in and out.

    Raises:  CalibrationError for a damaged folder, no signature, several inputs or outputs, or an
             image without fixed size.
    """
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise CalibrationError(f"{path} cannot be loaded as a SavedModel: {reason}") from error
    signatures = loaded.signatures
    if SIGNATURE not in signatures:
        raise CalibrationError(
            f"{path} has no signature {SIGNATURE!r}, it has {', '.join(signatures) or 'none'}",
            hint="model.export(FOLDER) in Keras writes one",
        )
    signature = signatures[SIGNATURE]
    inputs = signature.structured_input_signature[1]
    outputs = signature.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise CalibrationError(
            f"{path}: {len(inputs)} inputs and {len(outputs)} outputs, expected one image in and "
            "one tensor of class scores out"
        )
    ((name, spec),) = inputs.items()
    shape = tuple(spec.shape) if spec.shape.rank is not None else ()
    if len(shape) != 4 or None in shape[1:] or spec.dtype != tf.float32:
        raise CalibrationError(
            f"{path}: the input is {spec.dtype.name} {shape}, expected float32 "
            "(None, height, width, channels), all fixed"
        )
    (output,) = outputs
    return SavedModel(
        path, (1, *shape[1:]), lambda image: loaded.signatures[SIGNATURE](**{name: image})[output]
    )


def _onnx(function: Function, shape: tuple[int, ...]) -> onnx.ModelProto:
    spec = (tf.TensorSpec(shape, tf.float32, name="image"),)
    log = logging.getLogger("tf2onnx")  # what it logs as errors, we raise in words
    level = log.level
    log.setLevel(logging.CRITICAL)
    proto: onnx.ModelProto
    try:
        proto, _ = tf2onnx.convert.from_function(
            tf.function(function), input_signature=spec, opset=OPSET, inputs_as_nchw=["image"]
        )
    finally:
        log.setLevel(level)
    proto.graph.doc_string = ""
    refuse_unknown_operations(proto)
    onnx.checker.check_model(proto)
    return proto
