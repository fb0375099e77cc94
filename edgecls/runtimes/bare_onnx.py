"""ONNX Runtime as its own documentation uses it, for benchmarks to stand beside."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import onnxruntime

from edgecls.runtimes.checks import check_single
from edgecls.runtimes.onnx import spec_from_argument


class BareOnnx:
    """session.run: no check of ours; the threads as ours has them.

    Args:    model: the file's content.   threads: for one inference.
    Raises:  InferenceError for several inputs, or one of changing size: no picture fits.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        inputs = self._session.get_inputs()
        check_single("input", inputs)
        put = inputs[0]
        self._put = str(put.name)
        self._take = [self._session.get_outputs()[0].name]
        self.input = spec_from_argument(put)

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: the model's dtype
        answer: npt.NDArray[Any] = self._session.run(self._take, {self._put: batch})[0]
        return answer
