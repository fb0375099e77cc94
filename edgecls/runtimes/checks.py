"""What every runtime asks of a model and of a batch, and the guard that it runs behind."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from types import TracebackType
from typing import Any, final

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from edgecls.errors import InferenceError
from edgecls.types import TensorSpec

CREATE_HINT = "export it with one image in and one row of scores out, all sizes fixed"
BATCH_HINT = "edgecls.bundle.preprocess.Preprocessor makes a batch that fits"
CLOSED_HINT = "open the model again: a closed runtime stays closed"
FAILED_HINT = "edgecls bundle verify checks the file; --variant takes another one of the bundle"
LINE_MAX = 160
XNNPACK_LINE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
"""LiteRT writes it once per process, before anything of ours, and has no setting against it."""


def check_batch(batch: npt.NDArray[Any], spec: TensorSpec) -> None:  # Any: dtype is checked here
    """Raise InferenceError unless `batch` has exactly the shape and dtype of `spec`."""
    if batch.shape != spec.shape or batch.dtype != spec.dtype:
        raise InferenceError(
            f"the model's input {spec.name!r} expects {spec.dtype} {spec.shape}, "
            f"received {batch.dtype} {batch.shape}",
            hint=BATCH_HINT,
        )


def check_single(what: str, tensors: Sequence[object]) -> None:
    """Raise InferenceError unless the model has exactly one `what` ("input" or "output")."""
    if len(tensors) != 1:
        raise InferenceError(
            f"the model has {len(tensors)} {what}s, expected exactly 1", hint=CREATE_HINT
        )


def first_line(error: Exception) -> str:
    """Return what an engine says, cut to a length that a person reads."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return text if len(text) <= LINE_MAX else text[:LINE_MAX] + " …"


class GuardedRuntime(abc.ABC):
    """Stand between a caller and an engine: see ports.Runtime for what is promised.

    A leaf opens its engine, hands the specs to this constructor, and says how to run and let go.
    """

    def __init__(self, put: TensorSpec, take: TensorSpec) -> None:
        self._input, self._output, self._closed = put, take, False

    @property
    def input(self) -> TensorSpec:
        return self._input

    @property
    def output(self) -> TensorSpec:
        return self._output

    @final
    def infer(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: as in ports.Tensor
        """Run the model once; see ports.Runtime."""
        check_batch(batch, self._input)
        if self._closed:
            raise InferenceError("the runtime is closed", hint=CLOSED_HINT)
        try:
            return np.asarray(self._run(batch))
        except InferenceError:
            raise
        except Exception as error:  # engines' exceptions share no base but this
            raise InferenceError(
                f"the model failed to run: {first_line(error)}", hint=FAILED_HINT
            ) from error

    @final
    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abc.abstractmethod
    def _run(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: as above
        """Run the engine on a batch that fits; return an array of its own."""

    @abc.abstractmethod
    def _release(self) -> None:
        """Let the engine go; called once."""
