"""Check that a model and a calibration set speak of the same picture and the same labels."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import onnx

from edgecls import plugins
from edgecls.bundle.trial import try_model
from edgecls.errors import BundleError, CalibrationError, InferenceError
from edgecls.lab.quantization.calibration_set import CalibrationSet
from edgecls.lab.quantization.recording import Observed
from edgecls.runtimes import RUNTIMES

FLOAT = onnx.TensorProto.FLOAT
ACTIVATION_HINT = "set [output] activation of the calibration set: softmax, sigmoid or none"


def check_graph_fits(graph: onnx.ModelProto, wanted: CalibrationSet) -> None:
    """Check a float graph, and what it says of made-up pictures.

    Raises:  CalibrationError as `check_fits`, and for several inputs or outputs, several images at
             a time, another type than float32, or an output that the set's activation is not for.
    """
    constants = {item.name for item in graph.graph.initializer}
    inputs = [item for item in graph.graph.input if item.name not in constants]
    _check_single(len(inputs), len(graph.graph.output))
    put, take = inputs[0], graph.graph.output[0]
    if put.type.tensor_type.elem_type != FLOAT:
        received = onnx.TensorProto.DataType.Name(put.type.tensor_type.elem_type).lower()
        raise CalibrationError(
            f"the model takes {received}, expected float32",
            hint="export it in float32: every recipe starts from there",
        )
    check_fits(_sides(put), _sides(take), wanted)
    if _sides(put)[0] != 1:
        raise CalibrationError(
            f"the model takes {_sides(put)[0]} images at a time, expected 1",
            hint="export it with one image in, or any number of them",
        )
    try:
        with plugins.load("runtime", RUNTIMES, "onnx")(graph.SerializeToString()) as runtime:
            try_model(runtime, wanted.input, wanted.output, wanted.labels, origin="the float model")
    except (BundleError, InferenceError) as error:
        raise CalibrationError(error.message, hint=ACTIVATION_HINT) from error


def _check_single(inputs: int, outputs: int) -> None:
    """Refuse a model with several inputs or outputs. Raises: CalibrationError."""
    if (inputs, outputs) != (1, 1):
        raise CalibrationError(
            f"the model has {inputs} input{'s' * (inputs != 1)} and {outputs} "
            f"output{'s' * (outputs != 1)}, expected one image in and one row of scores out"
        )


def check_observed_fits(seen: Observed, graph: onnx.ModelProto, wanted: CalibrationSet) -> None:
    """Refuse probabilities that the set would take for logits of independent labels.

    Two made-up pictures cannot tell: logits may lie between 0 and 1 by chance, but not for every
    calibration image.

    Raises:  CalibrationError.
    """
    halves = seen.halves[graph.graph.output[0].name]
    low, high = min(half.low for half in halves), max(half.high for half in halves)
    if wanted.output.activation == "sigmoid" and low >= 0 and high <= 1:
        raise CalibrationError(
            f"the model gives {low:.4g} to {high:.4g} for every calibration image, which are "
            "probabilities already, and the activation is sigmoid",
            hint='set [output] activation = "none" in the calibration set',
        )


def check_fits(
    taken: Sequence[int | None], given: Sequence[int | None], wanted: CalibrationSet
) -> None:
    """Compare a model's input and output with the set's input rule and labels.

    Args:    taken, given: shapes of the model's input and output, the number of images first.
    Raises:  CalibrationError with what each has.
    """
    rule, labels = wanted.input, wanted.labels
    shape, expected = tuple(taken[1:]), (rule.height, rule.width, rule.channels)
    if shape not in (expected, (expected[2], *expected[:2])):
        raise CalibrationError(
            f"the model takes images of {shape}, the calibration set {wanted.name} prepares "
            f"{expected} (height, width, channels)",
            hint="set [input] of the calibration set as the model was trained",
        )
    count = prod(side or 1 for side in given[1:])
    single = count == 1 and len(labels) == 2 and wanted.output.activation != "softmax"
    if count != len(labels) and not single:
        noun = "output" if count == 1 else "outputs"
        raise CalibrationError(
            f"the model has {count} {noun}, the calibration set {wanted.name} {len(labels)} "
            f"labels: {', '.join(labels[:8])}",
            hint="give one label per output, in the order of the outputs",
        )


def _sides(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
