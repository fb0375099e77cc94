"""Look at every tensor inside a TFLite model while it runs. Slow: for comparing, not for use."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecls.errors import InferenceError

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter, OpResolverType

_SILENT_OPS = frozenset({"QUANTIZE", "DEQUANTIZE", "RESHAPE"})


class TapTFLite:
    """Run a model without delegates, which would fuse its tensors away.

    Args:    model: the file's content.
    Raises:  InferenceError where the interpreter does not tell its operations.
    """

    def __init__(self, model: bytes) -> None:
        self._interpreter: Any = Interpreter(
            model_content=model,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()
        self._put = self._interpreter.get_input_details()[0]["index"]
        details = {item["index"]: item for item in self._interpreter.get_tensor_details()}
        try:
            operations = self._interpreter._get_ops_details()
        except AttributeError as error:
            raise InferenceError("this TFLite interpreter does not tell its operations") from error
        self._layers = [
            (str(details[index]["name"]), details[index])
            for operation in operations
            if operation["op_name"] not in _SILENT_OPS
            for index in operation["outputs"]
        ]

    def __call__(self, batch: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Return every layer's output as real values, by tensor name, in the graph's order."""
        self._interpreter.set_tensor(self._put, batch)
        self._interpreter.invoke()
        return {name: self._real(detail) for name, detail in self._layers}

    def _real(self, detail: dict[str, Any]) -> npt.NDArray[np.float32]:
        values = np.asarray(self._interpreter.get_tensor(detail["index"])).astype(np.float32)
        scales = detail["quantization_parameters"]["scales"]
        if len(scales) != 1:
            return values
        zero = np.float32(detail["quantization_parameters"]["zero_points"][0])
        return np.asarray(np.float32(scales[0]) * (values - zero), np.float32)
