"""A runtime without an engine."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from edgecls.errors import InferenceError
from edgecls.types import TensorSpec


class FakeRuntime:
    """Answer with how bright the picture is: (1 - b, b), b the mean input from 0 to 1.

    Args:    model: JSON, {"width": 8, "height": 8}, with "fails": true to fail when run, and
             "bias": what to add to the brightness, so that two models differ.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        del threads  # there is nothing to share out
        try:
            made = json.loads(model)
            self._input = TensorSpec("image", (1, made["height"], made["width"], 3), "float32")
        except (ValueError, KeyError, TypeError) as error:
            raise InferenceError("not a fake model") from error
        self._output = TensorSpec("scores", (1, 2), "float32")
        self._fails = bool(made.get("fails"))
        self._bias = float(made.get("bias", 0.0))
        self._closed = False

    @property
    def input(self) -> TensorSpec:
        return self._input

    @property
    def output(self) -> TensorSpec:
        return self._output

    def infer(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: as in ports.Tensor
        """Run the model once; see ports.Runtime."""
        if batch.shape != self._input.shape or batch.dtype != self._input.dtype:
            raise InferenceError(
                f"expected {self._input.dtype} {self._input.shape}, "
                f"received {batch.dtype} {batch.shape}"
            )
        if self._closed or self._fails:
            raise InferenceError("the runtime is closed" if self._closed else "told to fail")
        bright = float(np.clip(batch.mean() + self._bias, 0, 1))
        return np.array([[1 - bright, bright]], np.float32)

    def close(self) -> None:
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
