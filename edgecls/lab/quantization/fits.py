"""Check that a model and a calibration set speak of the same picture and the same labels."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import onnx

from edgecls.errors import CalibrationError
from edgecls.lab.quantization.calibration_set import CalibrationSet


def check_graph_fits(graph: onnx.ModelProto, wanted: CalibrationSet) -> None:
    """Check a float graph. Raises: CalibrationError as `check_fits`."""
    check_fits(_sides(graph.graph.input[0]), _sides(graph.graph.output[0]), wanted)


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
