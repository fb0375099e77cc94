"""`edgecls calibrate`: run the float model over the calibration images and keep what it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli import measuring, output
from edgecls.cli.hush import hush_tensorflow

if TYPE_CHECKING:
    from edgecls.lab.quantization.calibration_set import Selected
    from edgecls.lab.quantization.recording import Recording

MODEL_HELP = "A Keras 3 .keras file, a SavedModel folder, or an .onnx file."
BIAS_HELP = "Correct what rounding the weights shifts."
ADAROUND_HELP = "Learn which weights to round up instead of to the nearest: takes minutes."


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was recorded, and which ranges two halves of the images do not agree on."""

    out: Path
    recording: Recording
    selected: Selected
    moved: dict[str, dict[str, float]]
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "recording": str(self.out),
            "images": len(self.selected.hashes),
            "unreadable": [str(path) for path in self.selected.unreadable],
            "tensors": {name: len(seen.halves) for name, seen in self.recording.graphs.items()},
            "moved": self.moved,
        }

    def as_text(self) -> RenderableType:
        lines = [Text(f"{self.out}: {len(self.selected.hashes)} images")]
        for name, seen in self.recording.graphs.items():
            lines.append(Text(f"  {name}: ranges of {len(seen.halves)} tensors"))
            for tensor, change in self.moved[name].items():
                short = tensor.split(";")[0]
                lines.append(
                    Text(f"  {name}: {short} differs by {change:.0%} between the two halves")
                )
        if any(self.moved.values()):
            lines.append(Text("more images, or the method percentile or mse, steady a range"))
        lines += [Text(f"  passed over, unreadable: {path}") for path in self.selected.unreadable]
        return Group(*lines)


def calibrate(
    model: Annotated[Path, typer.Argument(help=MODEL_HELP)],
    calibration: Annotated[
        Path, typer.Option("--calibration", help="The calibration set: a TOML file.")
    ],
    data: Annotated[Path, typer.Option(help="Folder that the set's source.data is relative to.")],
    out: Annotated[
        Path | None, typer.Option(help="The recording; else SET.npz beside the TOML.")
    ] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="Images to be measured on: must not be calibrated on.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the evaluation images.")] = None,
    improve: Annotated[
        str, typer.Option(help="Steps on the float graph: fold, relu, equalize, clip; or none.")
    ] = "fold",
    bias_correction: Annotated[bool, typer.Option(help=BIAS_HELP)] = False,
    adaround: Annotated[bool, typer.Option("--adaround", help=ADAROUND_HELP)] = False,
    method: Annotated[
        str, typer.Option(help="How stability is judged: minmax, percentile, mse, entropy.")
    ] = "mse",
    lock: Annotated[
        bool, typer.Option("--lock", help="Write the hashes of the images into the set.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Record activation ranges: edgecls calibrate model.keras --calibration set.toml --data DIR

    Checks that no calibration image is in --evaluation, and names ranges that differ by more than
    20 % between two halves of the images. `edgecls quantize` reads the recording.
    """
    hush_tensorflow()
    from edgecls.lab.quantization import calibration_set, pipeline
    from edgecls.lab.quantization.ranges import METHODS
    from edgecls.measure.dataset import load_dataset
    from edgecls.plugins import unknown_key

    if method not in METHODS:
        raise unknown_key("method", METHODS, method)
    wanted = calibration_set.load_calibration_set(calibration)
    if lock:  # anew: an older lock does not hold
        wanted = wanted.model_copy(update={"locked": None})
    selected = calibration_set.select(wanted, data)
    if evaluation is not None:
        skip = wanted.source.skip_labels
        measured = load_dataset(evaluation, wanted.labels, split=split, skip_labels=skip)
        calibration_set.check_disjoint(selected.hashes, measured)
    steps = steps_from_text(improve)
    with measuring.progress() as told:
        recording = pipeline.calibrated(
            model, wanted, selected, steps, bias=bias_correction, adaround=adaround, told=told
        )
    target = out or calibration.with_suffix(".npz")
    recording.save(target)
    if lock:
        calibration_set.lock(calibration, selected.hashes)
    moved = {name: seen.moved(method) for name, seen in recording.graphs.items()}
    output.emit(Calibration(target, recording, selected, moved), as_json=json)


def steps_from_text(text: str) -> tuple[str, ...]:
    """Split "fold,equalize"; "none" is no step."""
    return tuple(word.strip() for word in text.split(",") if word.strip() not in ("", "none"))
