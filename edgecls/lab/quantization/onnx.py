"""Quantize a float ONNX graph with ranges of our own, in two flavours.

"cpu" is what ONNX Runtime's x86 and Arm kernels fuse: unsigned activations with a zero point and an
int32 bias. "tensorrt" is what TensorRT accepts: signed, symmetric, zero point 0, float bias, Q/DQ
on every weight and only before layers that compute in int8; on a CPU it is slower than float. What
a convolution gives to a residual addition it leaves alone, so that the addition becomes part of
the convolution (NVIDIA's quantization toolkit does so for ResNets), and a small head is in float.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections import Counter
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
SMALL_HEAD = 0.01
"""Share of all weights: so few add next to nothing to the file when they stay in float."""


@dataclass(frozen=True)
class Flavour:
    """How one consumer wants its Q/DQ graph."""

    activation: QuantType
    operators: tuple[str, ...]
    options: Mapping[str, Any]  # Any: ONNX Runtime's own option values
    fuses_additions: bool = False
    float_head: bool = False


COUNTER = re.compile(r"__(\d+)")

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
        fuses_additions=True,
        float_head=True,
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
    result.ir_version = min(result.ir_version, IR_VERSION)
    _order_nodes(result)
    _rename(result)
    return result


def _order_nodes(model: onnx.ModelProto) -> None:
    """Sort the nodes depth first from the outputs, in place: converters follow hash order.

    Nodes that no output needs are dropped.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    ordered: dict[int, onnx.NodeProto] = {}
    waiting = [makers[item.name] for item in reversed(model.graph.output) if item.name in makers]
    while waiting:
        node = waiting[-1]
        before = [makers[name] for name in node.input if name in makers]
        missing = [maker for maker in before if id(maker) not in ordered]
        if missing:
            waiting.extend(reversed(missing))
            continue
        waiting.pop()
        ordered.setdefault(id(node), node)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered.values()]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _rename(model: onnx.ModelProto) -> None:
    """Give names that depend on the graph alone, in place, so that a model has one hash.

    The converters number names by what the process did before ("Conv__272") and share equal
    constants under any one of their names. A constant is named after its first reader. A node may
    come without a name, or with that of another: it is given one.
    """
    graph = model.graph
    constants = {item.name for item in graph.initializer}
    names: dict[str, str] = {}
    numbers: dict[str, str] = {}
    taken: set[str] = set()

    def number(found: re.Match[str]) -> str:
        return "__" + numbers.setdefault(found[1], str(len(numbers)))

    for place, node in enumerate(graph.node):
        node.name = COUNTER.sub(number, node.name)
        if not node.name or node.name in taken:
            node.name = f"{node.name or node.op_type}.{place}"
        taken.add(node.name)
        for at, name in enumerate(node.input):
            stem = f"{node.name}/{at}" if name in constants else COUNTER.sub(number, name)
            names.setdefault(name, stem)
        for name in node.output:
            names.setdefault(name, COUNTER.sub(number, name))
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for items in (graph.input, graph.output, graph.value_info, graph.initializer):
        for item in items:
            item.name = names.get(item.name, item.name)
    for items in (graph.value_info, graph.initializer):
        ordered = sorted(items, key=lambda item: item.name)
        del items[:]
        items.extend(ordered)


def onnx_quantized_from_float(
    model: onnx.ModelProto, flavour: str, ranges: Mapping[str, Range], *, per_channel: bool = True
) -> onnx.ModelProto:
    """Return the Q/DQ graph; input and output stay float32.

    Args:    model: as `prepared` leaves it.   ranges: tensor name -> (low, high).
             per_channel: scales of the weights; False is one per tensor.
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
        per_channel=per_channel,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=wanted.activation,
        tensors_range=TensorsData(CalibrationMethod.MinMax, data),
        nodes_to_quantize=[],
        nodes_to_exclude=_small_head(copy) if wanted.float_head else [],
        op_types_to_quantize=list(wanted.operators),
        extra_options=dict(wanted.options),
    )
    tool.quantize_model()
    result: onnx.ModelProto = tool.model.model
    result.ir_version = min(result.ir_version, IR_VERSION)
    if wanted.fuses_additions:
        _leave_convolutions_to_additions(result)
    return result


def _small_head(model: onnx.ModelProto) -> list[str]:
    """Name what computes on one vector per image with next to no weights: dense layers, sums."""
    graph = model.graph
    sizes = {item.name: math.prod(item.dims) for item in graph.initializer}
    most = SMALL_HEAD * sum(sizes.values())
    ranks = {
        item.name: len(item.type.tensor_type.shape.dim)
        for item in (*graph.value_info, *graph.output)
        if item.type.tensor_type.HasField("shape")
    }
    return [
        node.name
        for node in graph.node
        if node.op_type in ("Gemm", "MatMul", "Add")
        and ranks.get(node.output[0]) == 2
        and sum(sizes.get(name, 0) for name in node.input) <= most
    ]


def _leave_convolutions_to_additions(model: onnx.ModelProto) -> None:
    """Take Q/DQ away between a convolution and the addition behind it, in place, once for each."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    for node in graph.node:
        if node.op_type != "Add":
            continue
        for place in (1, 0):  # the later branch; of two convolutions one stays quantized
            back = makers.get(node.input[place])
            if back is None or back.op_type != "DequantizeLinear" or readers[back.output[0]] > 1:
                continue
            there = makers.get(back.input[0])
            if there is None or makers.get(there.input[0], node).op_type != "Conv":
                continue
            node.input[place] = there.input[0]
            break
    _order_nodes(model)
    read = {name for node in graph.node for name in node.input}
    kept = [item for item in graph.initializer if item.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
