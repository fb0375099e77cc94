"""edgecls select: find the fastest variant inside the accuracy budget, keep it for "auto"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli import measuring, output
from edgecls.cli.evaluate import DATA_HELP
from edgecls.errors import EdgeclsError

if TYPE_CHECKING:
    from edgecls.measure.select import Selection


def select(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="BUNDLE", help=measuring.BUNDLE_HELP)
    ] = None,
    data: Annotated[Path | None, typer.Argument(metavar="DATA", help=DATA_HELP)] = None,
    max_drop_pp: Annotated[
        float, typer.Option(min=0, max=100, help="Accuracy that may be lost against float32.")
    ] = 1.0,
    gate: Annotated[
        str,
        typer.Option(help='"bound": the whole 95 % interval must hold; "point": the difference.'),
    ] = "bound",
    reference: Annotated[
        str | None, typer.Option(help="Compare with this variant, not the first float32 one.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the images of this split.")] = None,
    skip_label: Annotated[
        list[str] | None, typer.Option(help="Leave images with this label out.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use about so many images, by label.")
    ] = None,
    max_unreadable: Annotated[
        int, typer.Option(min=0, help="Unreadable images that do not stop it.")
    ] = 0,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads of the runtime.")] = 1,
    duration: Annotated[
        float, typer.Option(metavar="SECONDS", help="Timed seconds for each variant.")
    ] = 10.0,
    rounds: Annotated[int, typer.Option(help="Fresh processes to spread them over.")] = 5,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep it here, not in the folder of the system."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure, but keep nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure accuracy and speed here; keep the best variant for --variant auto and the daemon.

    Run it on the device itself, as the user the daemon runs as, or as root for all users.
    """
    from edgecls.bundle.choice import write_choice
    from edgecls.measure.benchmark import Plan, benchmark
    from edgecls.measure.dataset import load_dataset
    from edgecls.measure.evaluate import evaluate_bundle
    from edgecls.measure.machine import Machine
    from edgecls.measure.report.benchmark import selection_page
    from edgecls.measure.select import admitted
    from edgecls.measure.select import select as choose

    measuring.check_places(report)
    plan = Plan(threads=(threads,), duration_s=duration, rounds=rounds)
    opened, images = measuring.bundle_and_data(bundle, data)
    dataset = load_dataset(
        images, opened.manifest.labels, split=split, skip_labels=skip_label or (), limit=limit
    )
    with measuring.progress() as told:
        evaluation = evaluate_bundle(
            opened,
            dataset,
            reference=reference,
            threads=threads,
            unreadable_max=max_unreadable,
            max_drop_pp=max_drop_pp,
            gate_rule=gate,
            report=told,
        )
        plan = replace(plan, names=tuple(admitted(evaluation)))
        found = choose(evaluation, benchmark(opened, plan, machine=Machine(), report=told))
    if not dry_run:
        try:
            path = write_choice(opened.manifest, found.as_choice(), folder=out)
        except OSError as error:
            raise EdgeclsError(
                f"cannot keep the choice: {error}", hint="choose a folder with: --out FOLDER"
            ) from error
        found = replace(found, file=path)
    if report:
        measuring.write(report, selection_page(found))
    output.emit(SelectResult(found), as_json=as_json)


@dataclass(frozen=True)
class SelectResult:
    """What `edgecls select` prints."""

    found: Selection
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return self.found.as_json()

    def as_text(self) -> RenderableType:
        from edgecls.measure.report.words import percent, points, ratio

        rows = measuring.table(
            "variant", "accuracy %", "against float pp", "in budget", "p50 ms", "times the chosen"
        )
        for item in self.found.candidates:
            against = item.figures.against
            rows.add_row(
                item.figures.variant.name,
                percent(item.figures.metrics.accuracy),
                points(against.accuracy) if against else "itself",
                "yes" if item.admitted else "no",
                f"{item.times.latency.p50_ms:.3f}" if item.times else "not timed",
                "chosen" if item.chosen else ratio(item.against_chosen),
            )
        n = len(self.found.evaluation.table.samples)
        head = Text(
            f"{self.found.evaluation.dataset.name}, {n} images; "
            f"{self.found.benchmark.device.as_line()}\nin brackets: 95 % interval\n"
        )
        kept = f"kept in {self.found.file}" if self.found.file else "not kept: a dry run"
        end = Text(f"\n{self.found.chosen.figures.variant.name}: {kept}", style="bold")
        warned = [
            Text(f"warning: {item.name}: {warning}", style="yellow")
            for item in self.found.benchmark.configurations
            for warning in item.warnings
        ]
        gate = self.found.evaluation.gate
        if gate is not None and gate.differences and not gate.passed and gate.rule == "bound":
            what = f"\nin budget: the whole interval stays above -{gate.max_drop_pp:g} pp; "
            warned.append(Text(what + "more images narrow it, --gate point looks at the value"))
        return Group(head, rows, *warned, end)
