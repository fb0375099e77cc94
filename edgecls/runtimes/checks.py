"""What every runtime asks of a model and of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from edgecls.errors import InferenceError
from edgecls.types import TensorSpec

CREATE_HINT = "export it with one image in and one row of scores out, all sizes fixed"
LINE_MAX = 160
XNNPACK_LINE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
"""LiteRT writes it once per process, before anything of ours, and has no setting against it."""


def check_batch(batch: npt.NDArray[Any], spec: TensorSpec) -> None:  # Any: dtype is checked here
    """Raise InferenceError unless `batch` has exactly the shape and dtype of `spec`."""
    if batch.shape != spec.shape or batch.dtype != spec.dtype:
        raise InferenceError(
            f"the model's input {spec.name!r} expects {spec.dtype} {spec.shape}, "
            f"received {batch.dtype} {batch.shape}"
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
