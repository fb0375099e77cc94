"""`edgecls events`: the visits of a store, and what people said of them as training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli import output
from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from edgecls.measure.corrections import Exported
    from edgecls.measure.false_alarms import FalseAlarms
    from edgecls.types import Visit

ONLY = ("kept", "pressed", "corrected")
STORE_HELP = "The daemon's folder of visits; the configuration's default if left out."

app = typer.Typer(help="List a store's visits; export what people said of them.")


@dataclass(frozen=True)
class ListResult:
    """What `events list` prints. Args: alarms: of all visits, listed or not.

    In the JSON, `total` counts all, `older` of these are kept ones from before any other; all
    else is of the rest.
    """

    store: Path
    visits: Sequence[Visit]
    alarms: FalseAlarms
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        rate = self.alarms.known
        return {
            "store": str(self.store),
            "total": self.alarms.visits + self.alarms.older,
            "older": self.alarms.older,
            "corrected": self.alarms.corrected,
            "unanswered": self.alarms.unanswered,
            "false_per_day": None if rate is None else rate.as_json(),
            "visits": [_visit_json(visit) for visit in self.visits],
        }

    def as_text(self) -> RenderableType:
        if not self.visits:
            return Text(f"no visit in {self.store}")
        rows: list[tuple[str, ...]] = [
            ("id", "camera", "began", "stayed", "score", "light", "said", "marks", "snapshot")
        ]
        rows += [_visit_row(visit) for visit in self.visits]
        total = f"{self.alarms.visits} visits, {self.alarms.corrected} corrected"
        if self.alarms.older:
            total += f", not counting {self.alarms.older} that are kept beyond the others' time"
        return Group(
            *output.aligned(rows),
            Text(f"\n{total}"),
            Text(f"said to be nobody, false alarms per camera-day: {self.alarms.words()}"),
        )


@dataclass(frozen=True)
class ExportResult:
    """What `events export` prints."""

    exported: Exported
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return self.exported.as_json()

    def as_text(self) -> RenderableType:
        found = self.exported
        rows = [("label", "split", "images")]
        rows += [(label, split, str(n)) for (label, split), n in sorted(found.counts.items())]
        lines = [
            Text(f"{found.images} images of {found.visits} corrected visits in {found.folder}\n"),
            *output.aligned(rows),
        ]
        if found.missing:
            lines.append(Text(f"{found.missing} pictures are gone from the store", style="yellow"))
        lines.append(Text(f"\nedgecls evaluate {found.folder}/manifest.csv", style="dim"))
        return Group(*lines)


@app.command("list")
def list_(
    store: Annotated[Path | None, typer.Option(help=STORE_HELP)] = None,
    day: Annotated[
        str | None, typer.Option(help="Only visits that began then: 2026-11-20.")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Only this camera's visits.")] = None,
    only: Annotated[str | None, typer.Option(help="kept, pressed or corrected.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List visits, newest first, and how many a day were said to be nobody."""
    from edgecls.measure.false_alarms import false_alarms
    from edgecls.store.reader import StoreReader

    if only is not None and only not in ONLY:
        raise ConfigError(f"--only {only}: expected one of {', '.join(ONLY)}")
    wanted = None
    if day is not None:
        try:
            wanted = datetime.strptime(day, "%Y-%m-%d").date()
        except ValueError as error:
            raise ConfigError(f"--day {day}: expected a date such as 2026-11-20") from error
    folder = _folder(store)
    with StoreReader(folder) as reader:
        shown = reader.visits(limit=limit, day=wanted, camera=camera, only=only)
        alarms = false_alarms(reader.tallies(), camera=camera)
    output.emit(ListResult(folder, shown, alarms), as_json=as_json)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where the labelled folder is written.")],
    store: Annotated[Path | None, typer.Option(help=STORE_HELP)] = None,
    labels: Annotated[
        str, typer.Option(help="The bundle's labels for somebody and for nobody.")
    ] = "person,no_person",
    snapshots_only: Annotated[
        bool, typer.Option("--snapshots-only", help="Leave further pictures of a visit out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write corrected visits as labelled images: edgecls events export corrected/

    `train`, `calibrate`, `evaluate` and `tune` read corrected/manifest.csv. The daemon may run.
    """
    from edgecls.measure.corrections import export as export_corrections
    from edgecls.store.reader import StoreReader

    names = [name.strip() for name in labels.split(",")]
    if len(set(names)) != 2 or not all(names) or any("/" in name for name in names):
        raise ConfigError(f"--labels {labels}: expected two names, such as person,no_person")
    with StoreReader(_folder(store)) as reader:
        exported = export_corrections(
            reader,
            folder,
            labels=dict(zip(("person", "nobody"), names, strict=True)),
            frames=not snapshots_only,
        )
    output.emit(ExportResult(exported), as_json=as_json)


def _folder(store: Path | None) -> Path:
    from edgecls.sections.store import StoreSection

    return (StoreSection().folder if store is None else store).expanduser()


def _visit_json(visit: Visit) -> dict[str, Any]:
    return {
        "id": visit.id,
        "camera": visit.camera,
        "started_at": visit.started_at.isoformat(),
        "ended_at": None if visit.ended_at is None else visit.ended_at.isoformat(),
        "peak_score": round(visit.peak_score, 4),
        "light": visit.light,
        "correction": visit.correction,
        "kept": visit.kept,
        "pressed": visit.pressed,
        "interrupted": visit.interrupted,
        "snapshot": visit.snapshot,
        "frames": list(visit.frames),
    }


def _visit_row(visit: Visit) -> tuple[str, ...]:
    stayed = "lasts" if visit.ended_at is None else (
        f"{(visit.ended_at - visit.started_at).total_seconds():.0f} s"
    )  # fmt: skip
    marks = [word for word in ("kept", "pressed", "interrupted") if getattr(visit, word)]
    return (
        str(visit.id),
        visit.camera,
        visit.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        stayed,
        f"{visit.peak_score:.2f}",
        visit.light,
        visit.correction or "-",
        " ".join(marks) or "-",
        visit.snapshot or "-",
    )
