"""The TFLite interpreter as its own documentation uses it, for benchmarks to stand beside."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from edgecls._lib.quiet import without_line
from edgecls.runtimes.checks import XNNPACK_LINE, check_single
from edgecls.runtimes.tflite import spec_from_detail

try:
    from ai_edge_litert.interpreter import Interpreter
except ModuleNotFoundError:
    from tflite_runtime.interpreter import Interpreter


class BareTFLite:
    """set_tensor, invoke, get_tensor: no check, no copy of ours.

    Args:    model: the file's content.   threads: of the interpreter.
    Raises:  InferenceError for several inputs, or one of changing size: no picture fits.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        with without_line(XNNPACK_LINE):
            self._interpreter: Any = Interpreter(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        inputs = self._interpreter.get_input_details()
        check_single("input", inputs)
        put = inputs[0]
        self._put = put["index"]
        self._take = self._interpreter.get_output_details()[0]["index"]
        self.input = spec_from_detail(put)

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: the model's dtype
        self._interpreter.set_tensor(self._put, batch)
        self._interpreter.invoke()
        answer: npt.NDArray[Any] = self._interpreter.get_tensor(self._take)
        return answer
