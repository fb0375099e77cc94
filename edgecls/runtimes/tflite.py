"""TensorFlow Lite models on the CPU, through LiteRT, or tflite-runtime where that is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecls._lib.quiet import without_line
from edgecls.errors import InferenceError
from edgecls.runtimes.checks import (
    CREATE_HINT,
    XNNPACK_LINE,
    GuardedRuntime,
    check_single,
    first_line,
)
from edgecls.types import TensorSpec

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "ai_edge_litert":
        raise  # it is there, but lacks something of its own
    try:
        from tflite_runtime.interpreter import Interpreter
    except ModuleNotFoundError:
        raise missing from None  # LiteRT is the one to install


class TFLiteRuntime(GuardedRuntime):
    """Run a .tflite model.

    Args:    model: the file's content.   threads: of the interpreter.
    Raises:  InferenceError when it is no such model, or not one input and one output.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        try:
            with without_line(XNNPACK_LINE):
                self._interpreter: Any = Interpreter(model_content=model, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InferenceError(
                f"not a TFLite model that this interpreter can run: {first_line(error)}",
                hint="check the file, or convert it again with a current TensorFlow",
            ) from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        check_single("input", inputs)
        check_single("output", outputs)
        self._input_index, self._output_index = inputs[0]["index"], outputs[0]["index"]
        super().__init__(spec_from_detail(inputs[0]), spec_from_detail(outputs[0]))

    def _run(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: as in ports.Tensor
        self._interpreter.set_tensor(self._input_index, batch)
        self._interpreter.invoke()
        answer: npt.NDArray[Any] = self._interpreter.get_tensor(self._output_index)
        return answer

    def _release(self) -> None:
        self._interpreter = None


def spec_from_detail(detail: dict[str, Any]) -> TensorSpec:
    """Read one of the interpreter's descriptions; only the batch may be of any size."""
    name, shape = str(detail["name"]), tuple(int(side) for side in detail["shape"])
    if any(side < 0 for side in detail["shape_signature"][1:]):
        signature = tuple(int(side) for side in detail["shape_signature"])
        raise InferenceError(
            f"tensor {name!r} has the changing shape {signature}, expected fixed sizes",
            hint=CREATE_HINT,
        )
    dtype = np.dtype(detail["dtype"]).name
    scales = detail["quantization_parameters"]["scales"]
    if len(scales) > 1:
        raise InferenceError(
            f"tensor {name!r} is quantized with {len(scales)} scales, expected one per tensor",
            hint="quantize inputs and outputs per tensor; only weights may be per channel",
        )
    if dtype.startswith("float") or not len(scales) or not scales[0]:
        return TensorSpec(name, shape, dtype)
    zero_point = int(detail["quantization_parameters"]["zero_points"][0])
    return TensorSpec(name, shape, dtype, float(scales[0]), zero_point)
