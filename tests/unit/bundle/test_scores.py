"""From output tensor to scores."""

from __future__ import annotations

import numpy as np
import pytest

from edgecls.bundle.manifest import Activation, OutputRule
from edgecls.bundle.scores import Scorer, dequantized
from edgecls.errors import BundleError, InferenceError
from edgecls.types import TensorSpec

FLOAT = TensorSpec("scores", (1, 2), "float32")
ONE = TensorSpec("score", (1, 1), "float32")


def scored(activation: Activation, spec: TensorSpec, *values: float) -> list[float]:
    scorer = Scorer(OutputRule(activation=activation), ("red", "blue"), spec)
    return scorer(np.array([values], spec.dtype))


def test_softmax() -> None:
    assert scored("softmax", FLOAT, 0, np.log(3)) == pytest.approx([0.25, 0.75], abs=1e-6)


def test_softmax_of_large_logits_is_finite() -> None:
    assert scored("softmax", FLOAT, 1000, -1000) == [1, 0]


def test_sigmoid_judges_each_label_by_itself() -> None:
    assert scored("sigmoid", FLOAT, 0, np.log(3)) == pytest.approx([0.5, 0.75], abs=1e-6)
    assert scored("sigmoid", FLOAT, 1000, -1000) == [1, 0]


def test_a_single_output_is_the_second_labels() -> None:
    assert scored("sigmoid", ONE, np.log(3)) == pytest.approx([0.25, 0.75], abs=1e-6)
    assert scored("none", ONE, 0.25) == [0.75, 0.25]


def test_none_takes_them_as_they_are() -> None:
    assert scored("none", FLOAT, 0.25, 0.75) == [0.25, 0.75]


def test_quantized_outputs_are_made_real_first() -> None:
    spec = TensorSpec("scores", (1, 2), "int8", 1 / 256, -128)
    assert scored("none", spec, -64, 64) == [0.25, 0.75]
    assert dequantized(np.array([-128, 127], np.int8), spec).tolist() == [0, 255 / 256]


@pytest.mark.parametrize("outputs", [1, 3])
def test_outputs_and_labels_must_agree(outputs: int) -> None:
    spec = TensorSpec("scores", (1, outputs), "float32")
    with pytest.raises(BundleError, match=rf"{outputs} outputs?, .*2 labels \(softmax\)"):
        Scorer(OutputRule(activation="softmax"), ("red", "blue"), spec)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_gives_no_number(value: float) -> None:
    with pytest.raises(InferenceError, match="not a finite number"):
        scored("softmax", FLOAT, 0, value)


def test_sixteen_bit_outputs_are_dequantized_too() -> None:
    spec = TensorSpec("scores", (1, 2), "int16", 1 / 32768, 0)
    scores = Scorer(OutputRule(activation="none"), ("a", "b"), spec)
    assert scores(np.array([[8192, 24576]], np.int16)) == [0.25, 0.75]
