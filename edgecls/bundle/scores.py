"""Turn a model's output tensor into one score per label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import Activation, OutputRule
from edgecls.errors import BundleError, InferenceError
from edgecls.types import TensorSpec

Tensor = npt.NDArray[Any]  # Any: float32, float16, int8 or uint8, as the model gives it
Scores = npt.NDArray[np.float32]


def dequantized(q: Tensor, spec: TensorSpec) -> npt.NDArray[np.float32]:
    """Turn a model's output into real values: scale * (q - zero_point); floats are cast only.

    Args:    q: `spec.dtype`, any shape.
    Returns: float32, same shape.
    """
    real = q.astype(np.float32)
    if spec.scale is None:
        return real
    return np.float32(spec.scale) * (real - np.float32(spec.zero_point or 0))


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
        self._spec = spec
        self._activate = _ACTIVATIONS[activation]

    def __call__(self, output: Tensor) -> Scores:
        """Return float32 scores, shape (labels,), in the bundle's order.

        Raises:  InferenceError when the model gave NaN or infinity.
        """
        real = dequantized(output.reshape(-1), self._spec)
        if not np.isfinite(real).all():
            raise InferenceError(
                "the model's output is not a finite number",
                hint="try another variant: edgecls bundle inspect lists them",
            )
        scores = self._activate(real)
        if self._single:
            return np.array([1 - scores[0], scores[0]], np.float32)
        return scores


def _softmax(real: Scores) -> Scores:
    powers = np.exp(real - real.max())
    return np.asarray(powers / powers.sum(), np.float32)


def _sigmoid(real: Scores) -> Scores:
    """Compute 1 / (1 + exp(-x)) without overflow on either side."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * real)), np.float32)


def _as_given(real: Scores) -> Scores:
    return real


_ACTIVATIONS: dict[Activation, Callable[[Scores], Scores]] = {
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    "none": _as_given,
}
