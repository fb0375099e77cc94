"""Make the float graphs that are observed and quantized: one improved model, two file formats."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnx

from edgecls.errors import CalibrationError, ConfigError
from edgecls.lab.export import onnx_from_keras, tflite_from_keras
from edgecls.lab.quantization.equalize import with_layers_equalized, with_relu6_as_relu
from edgecls.lab.quantization.fold import flattened, with_batchnorm_folded
from edgecls.lab.quantization.onnx import prepared

STEPS = ("fold", "relu", "equalize")
"""The words that `--improve` takes, in the order in which they are applied."""


@dataclass(frozen=True)
class FloatGraphs:
    """A model's float32 files; `tflite` is None where the model came as ONNX.

    Args:    onnx: as quantization.onnx.prepared leaves it: what is observed and quantized.
    """

    tflite: bytes | None
    onnx: onnx.ModelProto

    def sha256(self, graph: str) -> str:
        """Return the hash of one graph's file, "tflite" or "onnx"."""
        if graph == "tflite":
            return hashlib.sha256(self.tflite or b"").hexdigest()
        return hashlib.sha256(self.onnx.SerializeToString(deterministic=True)).hexdigest()


def improved(model: keras.Model, steps: Sequence[str]) -> keras.Model:
    """Return a copy with the named improvements made, in the order of STEPS.

    Raises:  ConfigError for an unknown step.
    """
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        raise ConfigError(f"unknown improvement {unknown[0]!r}, expected {', '.join(STEPS)}")
    if steps:
        model = flattened(model)
    if "fold" in steps:
        model = with_batchnorm_folded(model)
    if "relu" in steps:
        model = with_relu6_as_relu(model)
    if "equalize" in steps:
        model = with_layers_equalized(model)
    return model


def load_keras(path: Path) -> keras.Model:
    """Load a .keras file for inference and check that its weights are numbers.

    Raises:  CalibrationError for a file that Keras cannot load, or NaN in a weight (named).
    """
    try:
        model = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise CalibrationError(
            f"{path} cannot be loaded as a Keras 3 model: {error}",
            hint="expected a .keras file as model.save() writes it, or an .onnx file",
        ) from error
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise CalibrationError(
                f"{path}: the weight {weight.path} holds NaN or infinity",
                hint="the training run broke: go back to an earlier checkpoint",
            )
    return model


def graphs_from_keras(model: keras.Model) -> FloatGraphs:
    """Export both float files. Raises: CalibrationError for an input without fixed size."""
    shape = tuple(model.input.shape)
    if len(shape) != 4 or None in shape[1:]:
        raise CalibrationError(
            f"the model's input is {shape}, expected (None, height, width, channels), all fixed"
        )
    return FloatGraphs(tflite_from_keras(model), prepared(onnx_from_keras(model)))


def graphs_from_file(path: Path, steps: Sequence[str]) -> FloatGraphs:
    """Load a .keras or .onnx model and make its float graphs.

    The improvements work on Keras layers; an ONNX file is taken as it is, and only ONNX comes out.
    """
    if path.suffix == ".keras":
        return graphs_from_keras(improved(load_keras(path), steps))
    if path.suffix == ".onnx":
        return FloatGraphs(None, _graph_from_onnx(path))
    raise ConfigError(
        f"{path}: expected a .keras or .onnx file, received {path.suffix or 'no suffix'}",
        hint="a SavedModel: load it in Keras 3 and save it as .keras",
    )


def _graph_from_onnx(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise CalibrationError(f"{path} is not a valid ONNX model: {error}") from error
    except Exception as error:  # protobuf's DecodeError has no public home across versions
        if type(error).__name__ != "DecodeError":
            raise
        raise CalibrationError(f"{path} is not an ONNX file: {error}") from error
    for value in model.graph.initializer:
        if value.data_type == onnx.TensorProto.FLOAT:
            numbers = onnx.numpy_helper.to_array(value)
            if not np.isfinite(numbers).all():
                raise CalibrationError(f"{path}: the weight {value.name} holds NaN or infinity")
    return prepared(model)
