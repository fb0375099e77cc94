"""`edgecls quantize`: a float model and a calibration set become a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli import measuring, output
from edgecls.cli.calibrate import ADAROUND_HELP, BIAS_HELP, MODEL_HELP, steps_from_text
from edgecls.cli.hush import hush_tensorflow
from edgecls.errors import CalibrationError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecls.bundle.manifest import Manifest
    from edgecls.lab.quantization.calibration_set import CalibrationSet
    from edgecls.lab.quantization.recording import Recording
    from edgecls.lab.quantization.search import Trial
    from edgecls.measure.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Quantized:
    """The bundle that was made."""

    out: Path
    manifest: Manifest
    trials: tuple[Trial, ...] = ()
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        variants = [
            {"name": v.name, "runtime": v.runtime, "recipe": v.recipe, "bytes": v.bytes}
            for v in self.manifest.variants
        ]
        searched = [
            {
                "improvements": list(trial.graph.steps),
                "bias_correction": trial.graph.bias,
                "learned_rounding": trial.graph.adaround,
                "method": trial.method,
                "weights": trial.weights,
                "differences": [item.as_json() for item in trial.differences],
            }
            for trial in self.trials
        ]
        return {"bundle": str(self.out), "variants": variants, "search": searched}

    def as_text(self) -> RenderableType:
        tried = []
        if self.trials:
            from edgecls.lab.quantization.search import table_rows

            n = self.trials[0].differences[0].accuracy.n
            tried = [Text(f"against float on {n} tuning images, 95 % intervals, best first:")]
            tried += output.aligned(table_rows(self.trials))
        lines = [f"{self.out}: {self.manifest.name} {self.manifest.version}"]
        width = max(len(variant.name) for variant in self.manifest.variants)
        lines += [
            f"  {v.name:<{width}}  {v.bytes / 1e6:7.2f} MB  {v.recipe}"
            for v in self.manifest.variants
        ]
        lines.append(f"what it costs: edgecls evaluate {self.out} DATA")
        return Group(*tried, *(Text(line) for line in lines))


def quantize(
    model: Annotated[Path, typer.Argument(help=MODEL_HELP)],
    calibration: Annotated[
        Path, typer.Option("--calibration", help="The calibration set: a TOML file.")
    ],
    out: Annotated[Path, typer.Option(help="Folder or .edgecls file; must not exist.")],
    data: Annotated[
        Path | None,
        typer.Option(help="The images, if the set has no recording (SET.npz) for this model yet."),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            help="float32, float16, dynamic_wi8_afp32, static_wi8_ai8, static_wi8_ai16; commas."
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="Activation ranges: minmax, percentile, mse or entropy.")
    ] = "mse",
    improve: Annotated[
        str, typer.Option(help="Steps on the float graph: fold, relu, equalize, clip; or none.")
    ] = "fold",
    bias_correction: Annotated[bool, typer.Option(help=BIAS_HELP)] = False,
    adaround: Annotated[bool, typer.Option("--adaround", help=ADAROUND_HELP)] = False,
    weights: Annotated[
        str, typer.Option(help="Scales of int8 weights: per_channel; per_tensor to see the harm.")
    ] = "per_channel",
    search: Annotated[
        bool,
        typer.Option(
            "--search", help="Try the methods and improvements; keep the best on --tuning."
        ),
    ] = False,
    tuning: Annotated[
        Path | None, typer.Option(help="Labelled images for --search, not those reported on.")
    ] = None,
    tuning_split: Annotated[str | None, typer.Option(help="Split of --tuning.")] = "val",
    limit: Annotated[int, typer.Option(min=20, help="So many of the tuning images.")] = 400,
    max_drop_pp: Annotated[
        float, typer.Option(min=0, help="What --search may lose, in percentage points.")
    ] = 0.5,
    name: Annotated[str | None, typer.Option(help="Of the bundle; else the set's.")] = None,
    version: Annotated[str, typer.Option(help="Of the bundle.")] = "1",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make int8: edgecls quantize model.keras --calibration set.toml --data DIR --out my-bundle

    float32 and static_wi8_ai8 unless --recipe says otherwise; TFLite, ONNX Runtime and TensorRT.
    A recording beside the set (SET.npz, from edgecls calibrate) makes the images unnecessary;
    --improve, --bias-correction and --adaround are then the recording's. --search chooses them,
    and the method.
    """
    hush_tensorflow()
    from edgecls.bundle.write import check_out, write_bundle
    from edgecls.lab.quantization import calibration_set, manifest, pipeline
    from edgecls.lab.quantization.artefacts import check_words
    from edgecls.lab.quantization.fits import check_graph_fits
    from edgecls.lab.quantization.float_graphs import check_steps
    from edgecls.lab.quantization.ranges import METHODS
    from edgecls.lab.quantization.search import search as run_search
    from edgecls.plugins import unknown_key

    if method not in METHODS:
        raise unknown_key("method", METHODS, method)
    recipes = list(dict.fromkeys(measuring.words(recipe) or ["float32", "static_wi8_ai8"]))
    check_words(recipes, weights)
    check_steps(steps_from_text(improve))
    check_out(out)
    manifest.check_word("--version", version)
    if name is not None:
        manifest.check_word("--name", name)
    wanted = calibration_set.load_calibration_set(calibration)
    recording = None
    trials: tuple[Trial, ...] = ()
    if search:
        source, tuned = _images(data), _tuning(wanted, tuning, tuning_split, limit)
        selected = calibration_set.select(wanted, source)
        calibration_set.check_disjoint(selected.hashes, tuned)
        found = run_search(model, wanted, selected, tuned, max_drop_pp=max_drop_pp, told=_say)
        trials, recording = found.trials, found.recording
        method, weights = trials[0].method, trials[0].weights
        recording.save(calibration.with_suffix(".npz"))
    elif any(word.startswith("static") for word in recipes):
        treated = (steps_from_text(improve), bias_correction, adaround)
        recording = _recording(model, calibration, wanted, data, *treated)
    made_from = pipeline.sources(model, recording)
    check_graph_fits(made_from.plain.onnx, wanted)
    made = made_from.artefacts(recipes, method, weights=weights)
    described = manifest.manifest_from_artefacts(
        made, wanted, recording, name=name or wanted.name, version=version, model=model,
        method=method, weights=weights,
    )  # fmt: skip
    write_bundle(described, {a.name + a.suffix: a.data for a in made}, out)
    output.emit(Quantized(out, described, trials), as_json=json)


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _images(data: Path | None) -> Path:
    if data is None:
        raise ConfigError("--search needs the images", hint="give them with --data")
    return data


def _tuning(wanted: CalibrationSet, tuning: Path | None, split: str | None, limit: int) -> Dataset:
    from edgecls.measure.dataset import load_dataset

    if tuning is None:
        raise ConfigError(
            "--search needs labelled images to tune on", hint="give them with --tuning DATA"
        )
    skip = wanted.source.skip_labels
    return load_dataset(tuning, wanted.labels, split=split, skip_labels=skip, limit=limit)


def _recording(
    model: Path,
    calibration: Path,
    wanted: CalibrationSet,
    data: Path | None,
    steps: Sequence[str],
    bias: bool,
    adaround: bool,
) -> Recording:
    """Read the recording beside the set, or make it from the images."""
    from edgecls.lab.quantization import calibration_set, pipeline, recording

    kept = calibration.with_suffix(".npz")
    if data is None:
        if not kept.is_file():
            raise CalibrationError(
                f"no recording {kept} and no --data to make one from",
                hint="give the images with --data, or run edgecls calibrate",
            )
        return recording.load(kept)
    selected = calibration_set.select(wanted, data)
    with measuring.progress() as told:
        made = pipeline.calibrated(
            model, wanted, selected, steps, bias=bias, adaround=adaround, told=told
        )
    made.save(kept)
    return made
