"""Turn a float model into int8 files: weights per channel, activations from a calibration set."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import onnx
import tensorflow as tf
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgecls.lab.export import converter_from_keras

Floats = npt.NDArray[np.float32]


def tflite_int8_from_keras(model: keras.Model, calibration: Floats) -> bytes:
    """Quantize to int8 TFLite, recipe static_wi8_ai8: int8 in and out, weights int8 per channel.

    Args:    calibration: normalised images, shape (n, H, W, 3), from which activation ranges come.
    """
    with converter_from_keras(model) as converter:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
        return bytes(converter.convert())


class _Images(CalibrationDataReader):  # type: ignore[misc]
    """Feed a calibration set to ONNX Runtime, image by image, channels first."""

    def __init__(self, name: str, calibration: Floats) -> None:
        self.feed: Iterator[dict[str, Floats]] = (
            {name: np.ascontiguousarray(image.transpose(2, 0, 1)[None])} for image in calibration
        )

    def get_next(self) -> dict[str, Floats] | None:
        return next(self.feed, None)


def onnx_int8_from_onnx(
    model: onnx.ModelProto, calibration: Floats, *, method: str = "MinMax"
) -> onnx.ModelProto:
    """Quantize to QDQ ONNX, recipe static_wi8_au8: int8 weights per channel, uint8 activations.

    ONNX Runtime fuses this flavour on a CPU; float32 in and out. TensorRT wants another one.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, ready, done = (Path(folder) / f"{name}.onnx" for name in ("plain", "ready", "done"))
        onnx.save(model, plain)
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            done,
            _Images(model.graph.input[0].name, calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod[method],
        )
        return onnx.load(done)
