"""Run a float graph over the calibration images and count what every activation does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgecls.errors import CalibrationError
from edgecls.lab.quantization.histograms import Histogram

Floats = npt.NDArray[np.float32]
Halves = dict[str, tuple[Histogram, Histogram]]
"""Tensor name -> the histograms of the even and of the odd images, for the stability check."""


class TFLiteObserver:
    """Count the activations of a float TFLite graph, by tensor name.

    Args:    model: the flatbuffer; one input, float32.
    """

    def __init__(self, model: bytes) -> None:
        self._names = activation_names(model)
        self._interpreter = Interpreter(
            model_content=model,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()
        details = {item["name"]: item for item in self._interpreter.get_tensor_details()}
        self._indices = {
            name: details[name]["index"]
            for name in self._names
            if details[name]["dtype"] is np.float32
        }
        self._input = self._interpreter.get_input_details()[0]["index"]

    def run(self, tensor: Floats) -> Mapping[str, Floats]:
        """Return every activation for one input tensor (1, H, W, C)."""
        self._interpreter.set_tensor(self._input, tensor)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(at) for name, at in self._indices.items()}


def activation_names(model: bytes) -> list[str]:
    """Return the names of the tensors that are computed or fed, not stored, in graph order."""
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = parsed.subgraphs[0]
    return [
        tensor.name.decode()
        for tensor in graph.tensors
        if parsed.buffers[tensor.buffer].data is None or not len(parsed.buffers[tensor.buffer].data)
    ]


class OnnxObserver:
    """Count the activations of a float ONNX graph, by tensor name, graph unoptimized.

    Args:    model: as `quant_pre_process` leaves it; one input, float32.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        inferred = onnx.shape_inference.infer_shapes(model)
        floats = [
            info
            for info in inferred.graph.value_info
            if info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        ]
        constants = {item.name for item in inferred.graph.initializer}
        ends = {item.name for item in inferred.graph.output}
        added = [item for item in floats if item.name not in constants | ends]
        inferred.graph.output.extend(added)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            inferred.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._names = [item.name for item in self._session.get_outputs()]

    def run(self, tensor: Floats) -> Mapping[str, Floats]:
        """Return every activation for one input tensor, the input included."""
        values: list[Any] = self._session.run(None, {self._input: tensor})  # Any: ORT's own union
        return {self._input: tensor, **dict(zip(self._names, values, strict=True))}


def observed(observer: TFLiteObserver | OnnxObserver, tensors: Iterable[Floats]) -> Halves:
    """Count every activation over `tensors`; even and odd ones apart.

    Raises:  CalibrationError without a tensor, or when an activation is not finite (named).
    """
    halves: Halves = {}
    count = 0
    for number, tensor in enumerate(tensors):
        count += 1
        for name, values in observer.run(tensor).items():
            pair = halves.setdefault(name, (Histogram(), Histogram()))
            pair[number % 2].add(np.asarray(values, np.float32))
    if not count:
        raise CalibrationError("no calibration image, expected at least 2", hint="see calibration/")
    broken = [name for name, pair in halves.items() if any(half.nan_count for half in pair)]
    if broken:
        raise CalibrationError(
            f"the float model gives NaN or infinity in {broken[0]}"
            + (f" and {len(broken) - 1} more tensors" if len(broken) > 1 else ""),
            hint="the weights or the input rule are wrong: evaluate the float model first",
        )
    return halves
