"""Turn a model's output tensor into one score per label."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import Activation, OutputRule
from edgecls.errors import BundleError, InferenceError
from edgecls.types import TensorSpec

Tensor = npt.NDArray[Any]  # Any: float32, float16 or an integer, as the model gives it


def dequantized(q: Tensor, spec: TensorSpec) -> npt.NDArray[np.float32]:
    """Turn a model's output into real values: scale * (q - zero_point); floats are cast only.

    Args:    q: `spec.dtype`, any shape.
    Returns: float32, same shape.
    """
    real = q.astype(np.float32, copy=False)
    if spec.scale is None:
        return real
    centred = real - np.float32(spec.zero_point or 0)
    return np.asarray(np.float32(spec.scale) * centred, np.float32)


class Scorer:
    """Read the output of one model.

    A model with a single output and two labels gives the second label's probability p: the scores
    are then (1 - p, p).

    Args:    rule, labels: of the bundle.   spec: of the loaded model's output.
    Raises:  BundleError when the model's outputs do not fit the labels.
    """

    def __init__(self, rule: OutputRule, labels: Sequence[str], spec: TensorSpec) -> None:
        outputs, activation = int(np.prod(spec.shape)), rule.activation
        self._single = outputs == 1 and len(labels) == 2 and activation != "softmax"
        if outputs != len(labels) and not self._single:
            noun = "output" if outputs == 1 else "outputs"
            raise BundleError(
                f"the model has {outputs} {noun}, shape {spec.shape}, "
                f"and the bundle {len(labels)} labels ({activation})",
                hint="give one label per output, in the order of the outputs",
            )
        self._activate = _ACTIVATIONS[activation]
        self._spec = spec
        self._table: list[float] | None = None
        if spec.dtype in ("int8", "uint8"):  # then there are but 256 outputs to know
            every = np.arange(256, dtype=np.uint8)
            self._table = dequantized(every.view(spec.dtype), spec).tolist()

    def __call__(self, output: Tensor) -> list[float]:
        """Return one score per label, in the bundle's order.

        Plain Python on purpose: right after an inference, with cold caches, ten numpy calls on a
        few values take three times as long.

        Raises:  InferenceError when the model gave NaN or infinity.
        """
        if self._table is not None:
            table = self._table
            real = [table[index] for index in output.reshape(-1).view(np.uint8).tolist()]
        else:
            real = output.reshape(-1).tolist()
            if self._spec.scale is not None:  # 16-bit outputs
                real = dequantized(output.reshape(-1), self._spec).tolist()
            if not all(map(math.isfinite, real)):
                raise InferenceError(
                    "the model's output is not a finite number",
                    hint="try another variant: edgecls bundle inspect lists them",
                )
        scores = self._activate(real)
        return [1 - scores[0], scores[0]] if self._single else scores


def _softmax(real: list[float]) -> list[float]:
    highest = max(real)
    powers = [math.exp(value - highest) for value in real]
    total = sum(powers)
    return [power / total for power in powers]


def _sigmoid(real: list[float]) -> list[float]:
    """Compute 1 / (1 + exp(-x)) without overflow on either side."""
    return [0.5 * (1 + math.tanh(0.5 * value)) for value in real]


def _as_given(real: list[float]) -> list[float]:
    return real


_ACTIVATIONS: dict[Activation, Callable[[list[float]], list[float]]] = {
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    "none": _as_given,
}
