"""Make the float graphs that are observed and quantized: one improved model, two file formats."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnx

from edgecls.errors import CalibrationError, ConfigError
from edgecls.lab.export import load_saved_model, onnx_from_keras, tflite_from_keras
from edgecls.lab.full_precision import in_float32
from edgecls.lab.own_networks import import_own_layers
from edgecls.lab.quantization.clip import with_weights_clipped
from edgecls.lab.quantization.equalize import with_layers_equalized, with_relu6_as_relu
from edgecls.lab.quantization.fold import flattened, with_batchnorm_folded
from edgecls.lab.quantization.onnx import prepared
from edgecls.plugins import unknown_key

STEPS = ("fold", "relu", "equalize", "clip")
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


def check_steps(steps: Sequence[str]) -> None:
    """Refuse an unknown improvement. Raises: ConfigError."""
    for step in steps:
        if step not in STEPS:
            raise unknown_key("improvement", STEPS, step)


def improved(model: keras.Model, steps: Sequence[str]) -> keras.Model:
    """Return a copy with the named improvements made, in the order of STEPS.

    Raises:  ConfigError for an unknown step.
    """
    check_steps(steps)
    if steps:
        model = flattened(model)
    if "fold" in steps:
        model = with_batchnorm_folded(model)
    if "relu" in steps:
        model = with_relu6_as_relu(model)
    if "equalize" in steps:
        model = with_layers_equalized(model)
    if "clip" in steps:
        model = with_weights_clipped(model)
    return model


def load_keras(path: Path) -> keras.Model:
    """Load a .keras file for inference, in float32, and check that its weights are numbers.

    Raises:  CalibrationError for a file that Keras cannot load, for more than one input or output,
             or NaN in a weight (named).
    """
    import_own_layers(path)
    try:
        model = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise CalibrationError(
            f"{path} cannot be loaded as a Keras 3 model: {error}",
            hint="expected a .keras file as model.save() writes it, or an .onnx file",
        ) from error
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise CalibrationError(
                f"{path} has no input size", hint="begin the model with keras.Input((H, W, 3))"
            )
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise CalibrationError(
            f"{path} has {len(model.inputs)} inputs and {len(model.outputs)} outputs, expected one "
            "image and one tensor of class scores",
            hint="save the part that classifies: keras.Model(image, scores).save(...)",
        )
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise CalibrationError(
                f"{path}: the weight {weight.path} holds NaN or infinity",
                hint="the training run broke: go back to an earlier checkpoint",
            )
    return in_float32(model)


def graphs_from_keras(model: keras.Model) -> FloatGraphs:
    """Export both float files. Raises: CalibrationError for an input without fixed size."""
    shape = tuple(model.input.shape)
    if len(shape) != 4 or None in shape[1:]:
        raise CalibrationError(
            f"the model's input is {shape}, expected (None, height, width, channels), all fixed"
        )
    return FloatGraphs(tflite_from_keras(model), prepared(onnx_from_keras(model)))


def graphs_from_file(path: Path, steps: Sequence[str]) -> FloatGraphs:
    """Load a .keras file, a SavedModel folder or an .onnx file and make its float graphs.

    The improvements work on Keras layers. The others are taken as they are, but for the folding of
    batch normalization, which the formats' own tools do; from an ONNX file only ONNX comes out.

    Raises:  ConfigError for another kind of file, or a step that the kind does not take.
    """
    kind = "SavedModel" if path.is_dir() else path.suffix
    if kind not in KINDS:
        raise ConfigError(
            f"{path}: expected a .keras file, a SavedModel folder or an .onnx file, received "
            f"{kind or 'no suffix'}"
        )
    return KINDS[kind](path, steps)


def _from_keras(path: Path, steps: Sequence[str]) -> FloatGraphs:
    return graphs_from_keras(improved(load_keras(path), steps))


def _from_saved_model(path: Path, steps: Sequence[str]) -> FloatGraphs:
    _refuse_steps(path, steps)
    loaded = load_saved_model(path)
    graph = loaded.onnx()
    _check_finite(path, graph)
    return FloatGraphs(loaded.tflite(), prepared(graph))


def _from_onnx(path: Path, steps: Sequence[str]) -> FloatGraphs:
    _refuse_steps(path, steps)
    return FloatGraphs(None, _graph_from_onnx(path))


KINDS: Mapping[str, Callable[[Path, Sequence[str]], FloatGraphs]] = {
    ".keras": _from_keras,
    "SavedModel": _from_saved_model,
    ".onnx": _from_onnx,
}
"""What a model comes as -> how its float graphs are made."""


def _refuse_steps(path: Path, steps: Sequence[str]) -> None:
    check_steps(steps)
    for step in steps:
        if step != "fold":
            raise ConfigError(
                f"the improvement {step!r} works on Keras layers; {path} is not a .keras file",
                hint="give the .keras file, or --improve fold",
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
    _check_finite(path, model)
    _check_shape(path, model)
    return prepared(model)


def _check_finite(path: Path, model: onnx.ModelProto) -> None:
    for value in model.graph.initializer:
        if value.data_type == onnx.TensorProto.FLOAT:
            numbers = onnx.numpy_helper.to_array(value)
            if not np.isfinite(numbers).all():
                raise CalibrationError(f"{path}: the weight {value.name} holds NaN or infinity")


def _check_shape(path: Path, model: onnx.ModelProto) -> None:
    """Refuse an image of changing size; make a changing number of images one, in place."""
    constants = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in constants]
    if len(inputs) != 1:
        raise CalibrationError(f"{path}: {len(inputs)} inputs, expected one image")
    axes = inputs[0].type.tensor_type.shape.dim
    shape = tuple(axis.dim_param or axis.dim_value for axis in axes)
    if len(shape) != 4 or not all(axis.dim_value for axis in axes[1:]):
        raise CalibrationError(
            f"{path}: the input {inputs[0].name} is {shape}, expected 4 axes, all but the first "
            "fixed",
            hint="export it with a fixed height and width",
        )
    if not axes[0].dim_value:
        for item in (inputs[0], *model.graph.output):
            item.type.tensor_type.shape.dim[0].dim_value = 1
        del model.graph.value_info[:]
