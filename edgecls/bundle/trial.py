"""Run a model once on made-up pictures and say plainly what does not fit its description."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgecls.bundle.manifest import InputRule, OutputRule
from edgecls.bundle.preprocess import Preprocessor, quantized, real_table
from edgecls.bundle.scores import Scorer, dequantized
from edgecls.errors import BundleError, EdgeclsError
from edgecls.ports import Runtime
from edgecls.types import TensorSpec

CLIPPED_MAX = 0.25
SCORE_SLACK = 0.01
_SEED = 7


def try_model(
    runtime: Runtime, rule: InputRule, output: OutputRule, labels: Sequence[str], *, origin: str
) -> None:
    """Check that the model takes what the rule makes and gives what the labels need.

    Args:    origin: the file, for messages.
    Raises:  BundleError naming the fault: shape, number of outputs, input range, or activation.
    """
    try:
        preprocess = Preprocessor(rule, runtime.input)
        Scorer(output, labels, runtime.output)
        _check_input_range(rule, runtime.input)
        noise = np.random.default_rng(_SEED).integers(
            0, 256, (rule.height, rule.width, 3), np.uint8
        )
        pictures = (np.full_like(noise, 128), noise)
        for pixels in pictures:
            _check_activation(
                dequantized(runtime.infer(preprocess(pixels)).reshape(-1), runtime.output), output
            )
    except EdgeclsError as error:
        raise BundleError(f"{origin}: {error.message}", hint=error.hint) from error


def _check_input_range(rule: InputRule, spec: TensorSpec) -> None:
    """Refuse a normalisation that a quantized input would mostly clip: the commonest silent bug."""
    if spec.scale is None:
        return
    real = real_table(rule)
    wide = TensorSpec(spec.name, spec.shape, "int32", spec.scale, spec.zero_point)
    clipped = float(np.mean(quantized(real, wide) != quantized(real, spec)))
    if clipped <= CLIPPED_MAX:
        return
    limits, zero = np.iinfo(spec.dtype), spec.zero_point or 0
    low, high = ((limit - zero) * spec.scale for limit in (limits.min, limits.max))
    raise BundleError(
        f"the input rule gives values from {real.min():.4g} to {real.max():.4g}, the model's "
        f"{spec.dtype} input holds {low:.4g} to {high:.4g}: {clipped:.0%} of them do not fit",
        hint="correct mean and std: 0 and 255 give 0 to 1, 127.5 and 127.5 give -1 to 1",
    )


def _check_activation(real: np.typing.NDArray[np.float32], output: OutputRule) -> None:
    outside = real.min() < -SCORE_SLACK or real.max() > 1 + SCORE_SLACK
    if output.activation == "none" and outside:
        raise BundleError(
            f"the model gives {real.min():.4g} to {real.max():.4g}, which are no probabilities, "
            "and the activation is none",
            hint="use --activation softmax (one label wins) or sigmoid (labels are independent)",
        )
    if output.activation == "softmax" and not outside and abs(real.sum() - 1) < SCORE_SLACK:
        raise BundleError(
            "the model gives probabilities already, and the activation is softmax",
            hint="use --activation none",
        )
