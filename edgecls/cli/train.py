"""`edgecls train`: from a recipe and images to a trained network and its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgecls.cli import output
from edgecls.cli.hush import hush_tensorflow
from edgecls.cli.training_progress import watcher_for
from edgecls.errors import ConfigError


@dataclass(frozen=True)
class TrainResult:
    """The figures of a run, and where it lies."""

    folder: Path
    report: dict[str, Any]  # Any: JSON
    bundle: Path | None
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        made = None if self.bundle is None else str(self.bundle)
        figures = {k: v for k, v in self.report.items() if k != "schema"}
        return {"run": str(self.folder), "bundle": made, **figures}

    def as_text(self) -> RenderableType:
        report = self.report
        table = Table(box=None, pad_edge=False)
        for name in ("split", "images", "accuracy", "95 % interval"):
            table.add_column(name, justify="left" if name == "split" else "right")
        for split, found in report["results"].items():
            table.add_row(split, *_figures(found["accuracy"]))
        facts = (
            f"{report['recipe']}: {report['parameters']:,} parameters, "
            f"{report['multiply_accumulates'] / 1e6:.1f} M multiply-accumulates, "
            f"{report['epochs']} epochs in {report['training_s']:.0f} s"
        )
        skipped = len(report["unreadable"])
        note = [f"{skipped} unreadable images were skipped, see report.json"] if skipped else []
        ends = [Text(f"model and report: {self.folder}"), Text(self._next())]
        return Group(facts, *note, table, *ends)

    def _next(self) -> str:
        images = self.folder / "images.csv"
        if self.bundle is not None:
            return f"what int8 costs: edgecls evaluate {self.bundle} {images} --split test"
        if not images.exists():
            return "for a bundle, edgecls quantize wants images in files; this run had none"
        return (
            f"make a bundle: edgecls quantize {self.folder / 'model.keras'} --calibration "
            f"{self.folder / 'calibration.toml'} --data {self.folder} --out {self.folder}.edgecls"
        )


@dataclass(frozen=True)
class LeaveOutResult:
    """How a recipe does on each part of the data that it has not seen."""

    folder: Path
    report: dict[str, Any]  # Any: JSON
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"run": str(self.folder), **{k: v for k, v in self.report.items() if k != "schema"}}

    def as_text(self) -> RenderableType:
        report = self.report
        table = Table(box=None, pad_edge=False)
        for name in (report["column"], "images", "accuracy", "95 % interval"):
            table.add_column(name, justify="left" if name == report["column"] else "right")
        for value, found in sorted(report["values"].items(), key=lambda i: i[1]["value"]):
            table.add_row(Text(value), *_figures(found))
        worst = report["worst"]
        lines = (
            f"mean of {len(report['values'])}: {report['mean'] * 100:.1f} %; worst: "
            f"{report['values'][worst]['value'] * 100:.1f} % ({worst})",
            f"runs and report: {self.folder}",
        )
        return Group(table, *(Text(line) for line in lines))


def _figures(estimate: dict[str, Any] | None) -> tuple[str, str, str]:
    if estimate is None:
        return "0", "-", "-"
    low, high = estimate["ci95"]
    percent = f"{estimate['value'] * 100:.1f} %"
    return str(estimate["n"]), percent, f"{low * 100:.1f} to {high * 100:.1f} %"


def train(
    recipe: Annotated[
        Path, typer.Argument(help="A recipe (.toml), or the folder of a run to train it again.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the images, or a CSV; replaces data.root.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/<name of the recipe> if left out.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run stopped.")] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: phases.tune.epochs=3"),
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Train once per value of a column, without it, and test on it.",
        ),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Quantize the result and write this bundle as well.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a classifier as a recipe says. Needs the lab: pip install "edgecls\\[lab]"."""
    hush_tensorflow()
    from edgecls.lab import recipe_file

    run = recipe if resume and recipe.is_dir() and out is None else out
    chosen = recipe_file.load(recipe, settings=setting or [], data=data)
    folder = run if run is not None else Path("runs") / chosen.name
    if bundle is not None:
        _check_bundle(bundle, source=chosen.data.source, leave_out=leave_out)
    with watcher_for(Console(stderr=True, highlight=False, soft_wrap=True)) as watcher:
        result: output.Result
        if leave_out is not None:
            from edgecls.lab.leave_out import train_leaving_out

            report = train_leaving_out(
                chosen, folder, column=leave_out, watcher=watcher, resume=resume
            )
            result = LeaveOutResult(folder, dict(report))
        else:
            from edgecls.lab.training import train as train_recipe

            trained = train_recipe(chosen, folder, watcher=watcher, resume=resume)
            if bundle is not None:
                from edgecls.lab.bundling import bundle_from_run

                bundle_from_run(trained.folder, bundle)
            result = TrainResult(folder, dict(trained.report), bundle)
    output.emit(result, as_json=as_json)


def _check_bundle(bundle: Path, *, source: str, leave_out: str | None) -> None:
    """Say before training what would fail after it. Raises: ConfigError."""
    from edgecls.bundle.write import check_out

    if leave_out is not None:
        raise ConfigError(
            "--leave-out trains to measure, and none of its networks is for a device",
            hint="leave --bundle out, and train once more on everything",
        )
    if source != "files":
        raise ConfigError(
            f"--bundle is calibrated on files, data.source is {source!r}",
            hint='give a folder per class: --data DIR --set data.source="files"',
        )
    check_out(bundle)
