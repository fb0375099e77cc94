"""ONNX models on the CPU, through ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import onnxruntime

from edgecls.errors import InferenceError
from edgecls.runtimes.checks import CREATE_HINT, GuardedRuntime, check_single, first_line
from edgecls.types import TensorSpec

_SILENT = 4  # ONNX Runtime's severity "fatal": what fails is raised, and told once
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
}


class OnnxRuntime(GuardedRuntime):
    """Run a .onnx model.

    The file says nothing of how integer inputs or outputs are scaled, so their specs have no scale.

    Args:    model: the file's content.   threads: for one inference; they never spin while idle.
    Raises:  InferenceError when it is no such model, or not one input and one output.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no base but this
            raise InferenceError(
                f"not an ONNX model that ONNX Runtime can run: {first_line(error)}",
                hint="check the file; weights stored beside it must be inside it",
            ) from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        check_single("input", inputs)
        check_single("output", outputs)
        super().__init__(spec_from_argument(inputs[0]), spec_from_argument(outputs[0]))

    def _run(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: as in ports.Tensor
        answer: npt.NDArray[Any] = self._session.run([self.output.name], {self.input.name: batch})[
            0
        ]
        return answer

    def _release(self) -> None:
        self._session = None


def spec_from_argument(argument: Any) -> TensorSpec:  # Any: onnxruntime.NodeArg has no stubs
    """Read one of the session's descriptions; a batch of any size is taken as 1."""
    name, declared = str(argument.name), list(argument.shape)
    if argument.type not in _DTYPES:
        raise InferenceError(
            f"tensor {name!r} is {argument.type}, expected one of {', '.join(_DTYPES)}",
            hint=CREATE_HINT,
        )
    shape = tuple(
        1 if index == 0 and not isinstance(side, int) else side
        for index, side in enumerate(declared)
    )
    if not shape or not all(isinstance(side, int) and side > 0 for side in shape):
        raise InferenceError(
            f"tensor {name!r} has the changing shape {tuple(declared)}, expected fixed sizes",
            hint=CREATE_HINT,
        )
    return TensorSpec(name, shape, _DTYPES[argument.type])
