"""`edgecls data`: look a data set over before training on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from edgecls.cli import output

app = typer.Typer(no_args_is_help=True, help="Look a data set over before training on it.")

SHOWN_MAX = 8


@dataclass(frozen=True)
class CheckResult:
    """What was found; a leak between splits fails the gate."""

    report: dict[str, Any]  # Any: JSON
    sheets: list[str]

    @property
    def exit_code(self) -> int:
        leaks = self.report["leaks"]
        return 1 if leaks["near_duplicates_across_splits"] or leaks["groups_in_two_splits"] else 0

    def as_json(self) -> dict[str, Any]:
        return {**self.report, "sheets": self.sheets}

    def as_text(self) -> RenderableType:
        report, lines = self.report, []
        size, light = report["size_px"], report["light"]
        lines.append(
            f"size: {size['width'][0]} to {size['width'][2]} px wide (median {size['width'][1]}), "
            f"{size['height'][0]} to {size['height'][2]} px high (median {size['height'][1]})"
        )
        lines.append(
            f"light: {light['night_share'] * 100:.1f} % night (mean brightness below "
            f"{light['night_below_luma']}), {light['grey_share'] * 100:.1f} % grey"
        )
        lines += _unreadable(report["unreadable"])
        lines += _sources(report["sources"])
        lines += _duplicates(report["near_duplicates"], report["leaks"])
        lines += [f"look at {sheet}" for sheet in self.sheets]
        lines.append(
            "leaks between splits: yes" if self.exit_code else "leaks between splits: none"
        )
        texts = [Text(line) for line in lines]  # names of files may hold [brackets]
        return Group(_classes(report["classes"], report["images"]), *texts)


def _classes(classes: dict[str, dict[str, int]], total: int) -> Table:
    splits = [
        s for s in ("train", "val", "test", "unsplit") if any(s in c for c in classes.values())
    ]
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for name in (*splits, "all", "share"):
        table.add_column(name, justify="right")
    for label, counts in classes.items():
        own = sum(counts.values())
        figures = [str(counts.get(split, 0)) for split in splits]
        table.add_row(Text(label), *figures, str(own), f"{own / total * 100:.1f} %")
    return table


def _unreadable(found: dict[str, Any]) -> list[str]:
    lines = [f"unreadable: {found['count']}"]
    lines += [f"  {reason}" for reason in list(found["files"].values())[:SHOWN_MAX]]
    return lines


def _sources(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    alone = found["of_one_class"]
    lines = [
        f"sources ({found['column']}): {len(found['images'])}, of which {len(alone)} have images "
        "of one class only" + (": a network may learn the source instead" if alone else "")
    ]
    lines += [f"  {s['source']}: {s['images']} images, all {s['label']}" for s in alone[:SHOWN_MAX]]
    return lines


def _duplicates(near: dict[str, Any], leaks: dict[str, Any]) -> list[str]:
    across = leaks["near_duplicates_across_splits"]
    lines = [
        f"near-duplicate pairs: {near['pairs']}, {across} across splits, "
        f"{near['with_different_labels']} with different labels"
    ]
    lines += [f"  {p['first']} ~ {p['second']} ({p['splits']})" for p in leaks["pairs"][:SHOWN_MAX]]
    groups = leaks["groups_in_two_splits"]
    if groups:
        lines.append(f"groups in two splits: {len(groups)}")
        lines += [f"  {g}: {', '.join(s)}" for g, s in list(groups.items())[:SHOWN_MAX]]
    return lines


@app.command("check")
def check(
    data: Annotated[Path, typer.Argument(help="A folder per class, or a CSV manifest.")],
    out: Annotated[
        Path | None, typer.Option(help="Write contact sheets of classes and leaks here.")
    ] = None,
    group: Annotated[str, typer.Option(help="The manifest's column of groups.")] = "group",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find unreadable files, duplicates across splits and imbalance. Exit code 1 on a leak."""
    from edgecls.lab.check import check as look_over
    from edgecls.lab.check import rows_at
    from edgecls.lab.check_report import json_of, write_sheets

    rows = rows_at(data)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading images", total=len(rows))
        found = look_over(
            rows, group=group, tell=lambda done: progress.update(task, completed=done)
        )
    sheets = write_sheets(found, out) if out is not None else []
    output.emit(CheckResult(json_of(found), [str(s) for s in sheets]), as_json=as_json)
