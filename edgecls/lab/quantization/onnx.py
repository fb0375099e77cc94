"""Quantize a float ONNX graph with ranges of our own, in two flavours.

"cpu" is what ONNX Runtime's x86 and Arm kernels fuse: unsigned activations with a zero point and an
int32 bias. "tensorrt" is what TensorRT accepts: signed, symmetric, zero point 0, float bias, Q/DQ
on every weight and only before layers that compute in int8; on a CPU it is slower than float.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QDQQuantizer, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgecls.errors import CalibrationError
from edgecls.lab.quantization.ranges import Range

IR_VERSION = 8
TENSORRT_OPERATORS = ("Conv", "MatMul", "Gemm", "Add", "GlobalAveragePool", "AveragePool")


@dataclass(frozen=True)
class Flavour:
    """How one consumer wants its Q/DQ graph."""

    activation: QuantType
    operators: tuple[str, ...]
    options: Mapping[str, Any]  # Any: ONNX Runtime's own option values


FLAVOURS: Mapping[str, Flavour] = {
    "cpu": Flavour(
        QuantType.QUInt8,
        ("Conv", "MatMul", "Gemm", "Add", "Mul", "Concat", "Resize", "MaxPool", "AveragePool",
         "GlobalAveragePool", "Clip", "Relu", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Pad",
         "Flatten"),
        {"ActivationSymmetric": False, "WeightSymmetric": True},
    ),
    "tensorrt": Flavour(
        QuantType.QInt8,
        TENSORRT_OPERATORS,
        {
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": list(TENSORRT_OPERATORS),
        },
    ),
}  # fmt: skip
"""The word in a variant's recipe -> what the file must look like."""


def prepared(model: onnx.ModelProto) -> onnx.ModelProto:
    """Fold constants and batch normalization and infer shapes: what is observed and quantized."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.onnx"), Path(folder, "out.onnx")
        onnx.save(model, source)
        quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
        result = onnx.load(target)
    if result.ir_version > IR_VERSION:
        result.ir_version = IR_VERSION
    return result


def onnx_quantized_from_float(
    model: onnx.ModelProto, flavour: str, ranges: Mapping[str, Range]
) -> onnx.ModelProto:
    """Return the Q/DQ graph; input and output stay float32.

    Args:    model: as `prepared` leaves it.   ranges: tensor name -> (low, high).
    Raises:  CalibrationError when ranges are missing for the graph.
    """
    if not ranges:
        raise CalibrationError("ONNX needs activation ranges, received none")
    wanted = FLAVOURS[flavour]
    data = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in ranges.items()
    }
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tool = QDQQuantizer(
        copy,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=wanted.activation,
        tensors_range=TensorsData(CalibrationMethod.MinMax, data),
        nodes_to_quantize=[],
        nodes_to_exclude=[],
        op_types_to_quantize=list(wanted.operators),
        extra_options=dict(wanted.options),
    )
    tool.quantize_model()
    result: onnx.ModelProto = tool.model.model
    result.ir_version = min(result.ir_version, IR_VERSION)
    return result
