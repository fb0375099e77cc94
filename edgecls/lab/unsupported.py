"""Say which operation of a model a file format lacks, and in which layer it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import onnx

from edgecls.errors import CalibrationError

MISSING = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")
PLACE = r'\["{operation}:", "([^"@]+)'


@contextmanager
def naming_unsupported(target: str) -> Iterator[None]:
    """Turn what TensorFlow's converter raises into one line.

    Raises:  CalibrationError.
    """
    try:
        yield
    except Exception as error:  # the class has no public home: lite.python.convert_phase
        if type(error).__name__ != "ConverterError":
            raise
        text = str(error)
        found = MISSING.search(text)
        if found is None:
            reason = text.strip().partition("\n")[0]
            raise CalibrationError(
                f"the model cannot be converted to {target}: {reason}"
            ) from error
        place = re.search(PLACE.format(operation=found[1]), text)
        raise _unsupported(target, found[1], place[1] if place else "unknown") from error


def refuse_unknown_operations(model: onnx.ModelProto) -> None:
    """Refuse a graph with operations that ONNX does not have; tf2onnx leaves them as they are.

    Raises:  CalibrationError.
    """
    for node in model.graph.node:
        if node.domain in ("", "ai.onnx") and not onnx.defs.has(node.op_type):
            raise _unsupported("ONNX", node.op_type, node.name)


def _unsupported(target: str, operation: str, place: str) -> CalibrationError:
    return CalibrationError(
        f"{target} has no operation for {operation}, at layer {place}",
        hint="replace that layer by ordinary ones, or leave the target out",
    )
