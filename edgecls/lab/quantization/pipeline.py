"""From one float model and one calibration set to the artefacts of a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import normalised, resized
from edgecls.errors import CalibrationError, ConfigError
from edgecls.lab.quantization.artefacts import Artefact, Sources, check_words
from edgecls.lab.quantization.bias import corrections, mean_inputs, with_bias_corrected
from edgecls.lab.quantization.calibration_set import CalibrationSet, Selected
from edgecls.lab.quantization.fits import check_fits, check_graph_fits, check_observed_fits
from edgecls.lab.quantization.float_graphs import (
    FloatGraphs,
    graphs_from_file,
    graphs_from_keras,
    improved,
    load_keras,
)
from edgecls.lab.quantization.observe import OnnxObserver, TFLiteObserver, observed
from edgecls.lab.quantization.recording import Observed, Recording
from edgecls.lab.quantization.rounding import Packed, learned_rounding, with_kernels_rounded
from edgecls.measure.scores import Report

Floats = npt.NDArray[np.float32]
BATCH = 8
ROUNDING_IMAGES = 128
"""Second moments settle on few images: each gives hundreds of places."""


def calibrated(
    model: Path,
    wanted: CalibrationSet,
    selected: Selected,
    steps: Sequence[str],
    *,
    bias: bool,
    adaround: bool = False,
    told: Report | None = None,
) -> Recording:
    """Run the float graphs over the calibration images, once, and record what they do.

    Args:    steps: improvements of the float graph, float_graphs.STEPS.
             bias: also measure what rounding the weights shifts, and correct it.
             adaround: also learn which weights to round up, on the first ROUNDING_IMAGES.
    """
    shifts: dict[str, Floats] = {}
    rounding: dict[str, Packed] = {}
    if bias or adaround:
        if model.suffix != ".keras":
            what = "bias correction" if bias else "learned rounding"
            raise ConfigError(f"{what} works on Keras layers; {model} is not a .keras file")
        net = improved(load_keras(model), steps)
        check_fits(net.input.shape, net.output.shape, wanted)
        rounding, shifts = _corrected(net, wanted.input, selected, bias, adaround, told)
    graphs = _int8_base(model, steps, rounding, shifts)
    check_graph_fits(graphs.onnx, wanted)
    found = {}
    if graphs.tflite is not None:
        tensors = (image[None] for image in _images(wanted.input, selected))
        found["tflite"] = Observed(
            graphs.sha256("tflite"), observed(TFLiteObserver(graphs.tflite), tensors)
        )
    first = _channels_first(graphs)
    tensors = (_laid_out(image, first) for image in _images(wanted.input, selected))
    found["onnx"] = Observed(graphs.sha256("onnx"), observed(OnnxObserver(graphs.onnx), tensors))
    check_observed_fits(found["onnx"], graphs.onnx, wanted)
    return Recording(wanted.name, selected.hashes, found, tuple(steps), shifts, rounding)


def _corrected(
    net: keras.Model,
    rule: InputRule,
    selected: Selected,
    bias: bool,
    adaround: bool,
    told: Report | None,
) -> tuple[dict[str, Packed], dict[str, Floats]]:
    """Learn the rounding, then what is left for the biases; each only if wanted."""
    size = net.input.shape[0] or BATCH
    rounding: dict[str, Packed] = {}
    shifts: dict[str, Floats] = {}
    rounded = None
    if adaround:
        few = _batches(rule, selected.first(ROUNDING_IMAGES), size)
        rounding = learned_rounding(net, few, centred=bias, told=told)
        rounded = with_kernels_rounded(net, rounding)
    if bias:
        means = mean_inputs(net, _batches(rule, selected, size))
        shifts = corrections(net, means, rounded=rounded)
    return rounding, shifts


def sources(model: Path, recording: Recording | None) -> Sources:
    """Make the float graphs: of the model as it came, and of what the recording was made with.

    Raises:  CalibrationError when the recording was made for another model.
    """
    plain = graphs_from_file(model, ())
    if recording is None:
        return Sources(plain, plain, None)
    base = _int8_base(model, recording.steps, recording.rounding, recording.shifts)
    _check_same_graph(model, base, recording)
    return Sources(plain, base, recording)


def artefacts(
    model: Path,
    recording: Recording | None,
    recipes: Sequence[str],
    method: str,
    *,
    weights: str = "per_channel",
) -> list[Artefact]:
    """Make the files of every recipe for every runtime that has it.

    The float files are the model as it came; the quantized ones start from the improved graph that
    the recording was made with.

    Args:    recording: None if no recipe is static.   method: ranges.METHODS.
             weights: of the static recipes, artefacts.WEIGHTS.
    Raises:  ConfigError for an unknown word; CalibrationError without a recording, or with one
             that was made for another model.
    """
    check_words(recipes, weights)
    return sources(model, recording).artefacts(recipes, method, weights=weights)


def _int8_base(
    model: Path,
    steps: Sequence[str],
    rounding: Mapping[str, Packed],
    shifts: Mapping[str, Floats],
) -> FloatGraphs:
    if not rounding and not shifts:
        return graphs_from_file(model, steps)
    better: keras.Model = improved(load_keras(model), steps)
    if rounding:
        better = with_kernels_rounded(better, rounding)
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
    """Return the hash of a file, or of a folder's names and contents, for the provenance."""
    if not path.is_dir():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = (f"{file.relative_to(path).as_posix()} {sha256_of(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
