"""From one float model and one calibration set to the artefacts of a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import normalised, resized
from edgecls.errors import CalibrationError, ConfigError
from edgecls.lab.quantization.bias import corrections, mean_inputs, with_bias_corrected
from edgecls.lab.quantization.calibration_set import CalibrationSet, Selected
from edgecls.lab.quantization.float_graphs import (
    FloatGraphs,
    graphs_from_file,
    graphs_from_keras,
    improved,
    load_keras,
)
from edgecls.lab.quantization.observe import OnnxObserver, TFLiteObserver, observed
from edgecls.lab.quantization.onnx import onnx_quantized_from_float
from edgecls.lab.quantization.recording import Observed, Recording
from edgecls.lab.quantization.tflite import tflite_quantized_from_float

Floats = npt.NDArray[np.float32]
BATCH = 8

RECIPES = ("float32", "float16", "dynamic_wi8_afp32", "static_wi8_ai8", "static_wi8_ai16")
"""What `--recipe` takes. The word says: static or dynamic, bits of weights, bits of activations."""

PRECISIONS = {
    "float32": "float32",
    "float16": "float16",
    "dynamic_wi8_afp32": "dynamic-int8",
    "static_wi8_ai8": "int8",
    "static_wi8_ai16": "int16x8",
}


@dataclass(frozen=True)
class Artefact:
    """One quantized file and what it is."""

    runtime: str
    precision: str
    recipe: str
    data: bytes

    @property
    def name(self) -> str:
        return f"{self.runtime}-{self.precision}"

    @property
    def suffix(self) -> str:
        return ".tflite" if self.runtime == "tflite" else ".onnx"


def calibrated(
    model: Path, wanted: CalibrationSet, selected: Selected, steps: Sequence[str], *, bias: bool
) -> Recording:
    """Run the float graphs over the calibration images, once, and record what they do.

    Args:    steps: improvements of the float graph, float_graphs.STEPS.
             bias: also measure what rounding the weights shifts, and correct it.
    """
    if bias and model.suffix != ".keras":
        raise ConfigError(f"bias correction works on Keras layers; {model} is not a .keras file")
    shifts: dict[str, Floats] = {}
    if bias:
        keras_model = improved(load_keras(model), steps)
        size = keras_model.input.shape[0] or BATCH
        batches = _batches(wanted.input, selected, size)
        shifts = corrections(keras_model, mean_inputs(keras_model, batches))
    graphs = _int8_base(model, steps, shifts)
    found = {}
    if graphs.tflite is not None:
        tensors = (image[None] for image in _images(wanted.input, selected))
        found["tflite"] = Observed(
            graphs.sha256("tflite"), observed(TFLiteObserver(graphs.tflite), tensors)
        )
    first = _channels_first(graphs)
    tensors = (_laid_out(image, first) for image in _images(wanted.input, selected))
    found["onnx"] = Observed(graphs.sha256("onnx"), observed(OnnxObserver(graphs.onnx), tensors))
    return Recording(wanted.name, selected.hashes, found, tuple(steps), shifts)


def artefacts(
    model: Path, recording: Recording | None, recipes: Sequence[str], method: str
) -> list[Artefact]:
    """Make the files of every recipe for every runtime that has it.

    The float files are the model as it came; the quantized ones start from the improved graph that
    the recording was made with.

    Args:    recording: None if no recipe is static.   method: ranges.METHODS.
    Raises:  CalibrationError when the recording was made for another model.
    """
    unknown = [recipe for recipe in recipes if recipe not in RECIPES]
    if unknown:
        raise ConfigError(f"unknown recipe {unknown[0]!r}, expected one of {', '.join(RECIPES)}")
    plain = graphs_from_file(model, ())
    base, seen = plain, recording
    if seen is not None:
        base = _int8_base(model, seen.steps, seen.shifts)
        _check_same_graph(model, base, seen)
    made = []
    for recipe in recipes:
        made += _of_recipe(recipe, plain, base, seen, method)
    return made


def _of_recipe(
    recipe: str, plain: FloatGraphs, base: FloatGraphs, seen: Recording | None, method: str
) -> list[Artefact]:
    precision = PRECISIONS[recipe]
    made = []
    if recipe == "float32":
        if plain.tflite is not None:
            made.append(Artefact("tflite", precision, recipe, plain.tflite))
        made.append(Artefact("onnx", precision, recipe, plain.onnx.SerializeToString()))
        return made
    static = recipe.startswith("static")
    if static and seen is None:
        raise CalibrationError(
            f"{recipe} needs a calibration, received none", hint="give --calibration"
        )
    source = base if static else plain
    if source.tflite is not None:
        ranges = seen.graphs["tflite"].ranges(method) if static and seen else None
        data = tflite_quantized_from_float(source.tflite, recipe, ranges)
        made.append(Artefact("tflite", precision, recipe, data))
    if recipe == "static_wi8_ai8" and seen is not None:
        ranges = seen.graphs["onnx"].ranges(method)
        for runtime, flavour in (("onnx", "cpu"), ("tensorrt", "tensorrt")):
            quantized = onnx_quantized_from_float(base.onnx, flavour, ranges)
            made.append(Artefact(runtime, precision, recipe, quantized.SerializeToString()))
    if not made:
        raise ConfigError(
            f"{recipe} exists for TFLite only, and TFLite cannot be made from an ONNX file",
            hint="give the .keras file",
        )
    return made


def _int8_base(model: Path, steps: Sequence[str], shifts: Mapping[str, Floats]) -> FloatGraphs:
    if not shifts:
        return graphs_from_file(model, steps)
    better: keras.Model = improved(load_keras(model), steps)
    return graphs_from_keras(with_bias_corrected(better, shifts))


def _check_same_graph(model: Path, graphs: FloatGraphs, recording: Recording) -> None:
    for graph, seen in recording.graphs.items():
        if graphs.sha256(graph) != seen.sha256:
            raise CalibrationError(
                f"the calibration was recorded for another model than {model} ({graph} graph "
                f"{seen.sha256[:12]}, received {graphs.sha256(graph)[:12]})",
                hint="edgecls calibrate makes a new recording; other versions of the converters "
                "also give another graph",
            )


def _images(rule: InputRule, selected: Selected) -> Iterator[Floats]:
    """Yield the images as the model wants them: float32, (H, W, C)."""
    for pixels in selected.pixels():
        yield normalised(resized(pixels, rule), rule)


def _batches(rule: InputRule, selected: Selected, size: int) -> Iterator[Floats]:
    batch: list[Floats] = []
    for image in _images(rule, selected):
        batch.append(image)
        if len(batch) == size:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def _channels_first(graphs: FloatGraphs) -> bool:
    shape = [axis.dim_value for axis in graphs.onnx.graph.input[0].type.tensor_type.shape.dim]
    return len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3)


def _laid_out(image: Floats, channels_first: bool) -> Floats:
    return np.ascontiguousarray(image.transpose(2, 0, 1) if channels_first else image)[None]


def sha256_of(path: Path) -> str:
    """Return the hash of a file, for the provenance."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
