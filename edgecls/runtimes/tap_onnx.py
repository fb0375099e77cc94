"""Look at every tensor inside an ONNX model while it runs. Slow: for comparing, not for use."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from edgecls.errors import InferenceError
from edgecls.runtimes.onnx_outputs import inner_outputs, with_outputs

_QUANTIZED = "_DequantizeLinear_Output"
_TO_QUANTIZED = "_QuantizeLinear_Output"
_SILENT_OPS = frozenset({"QuantizeLinear", "Reshape", "Flatten", "Transpose"})


class TapOnnx:
    """Run a model with its inner tensors as outputs, and without the fusions that hide them.

    A tensor that is quantized and dequantized again is told by the name it had before, and as the
    value it has afterwards.

    Args:    model: the file's content.
    """

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        made = inner_outputs(model)
        quantized = {name.removesuffix(_QUANTIZED) for name, _ in made if name.endswith(_QUANTIZED)}
        known = {name for name, _ in made}  # a quantized output keeps its own name, dequantized
        ends = {name for name in known if f"{name}{_TO_QUANTIZED}" in known}
        self._layers = {
            name: f"{name}{_QUANTIZED}" if name in quantized else name
            for name, kind in made
            if kind not in _SILENT_OPS and (kind != "DequantizeLinear" or name in ends)
        }
        try:
            self._session: Any = onnxruntime.InferenceSession(
                with_outputs(model, list(self._layers.values())),
                options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # its exceptions share no base but this
            raise InferenceError(f"the inner tensors cannot be made outputs: {error}") from error
        self._put = self._session.get_inputs()[0].name

    def __call__(self, batch: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float32]]:
        """Return every layer's output as real values, by tensor name, in the graph's order."""
        wanted = list(self._layers.values())
        found = self._session.run(wanted, {self._put: batch})
        return {
            name: np.asarray(value).astype(np.float32)
            for name, value in zip(self._layers, found, strict=True)
        }
