"""An evaluation as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgecls.cli.measuring import percent, plain, points
from edgecls.cli.measuring import table as table_of
from edgecls.measure.difference import Difference
from edgecls.measure.evaluate import Evaluation, told_label
from edgecls.measure.gate import Gate


def evaluation_text(found: Evaluation) -> RenderableType:
    """Return the tables; every figure stands with its 95 % interval, n in the heading."""
    return Group(*_parts(found))


def _parts(found: Evaluation) -> Iterator[RenderableType]:
    yield _heading(found)
    yield from _figures(found)
    if found.reference is None:
        yield Text("No float32 variant was measured, so nothing is compared.", style="yellow")
    differences = [item.against for item in found.variants if item.against]
    if differences:
        n = len(found.table.samples)
        title = f"\nAgainst {found.reference}, on the same {n} images"
        yield from (Text(title, style="bold"), _differences(differences))
    if found.agreement:
        yield Text("\nRuntimes at equal precision (second against first)", style="bold")
        yield _differences(found.agreement, pairs=True)
    yield from _slices(found)
    yield from _robustness(found)
    for name, reason in found.not_measured.items():
        yield Text(f"\n{name} was not measured: {reason}", style="yellow")
    if found.gate:
        yield from _gate(found.gate)


def _heading(found: Evaluation) -> Text:
    table, manifest = found.table, found.manifest
    counts = [f"{int((table.truth == i).sum())} {name}" for i, name in enumerate(table.labels)]
    told = ", ".join(counts[:6]) + (", ..." if len(counts) > 6 else "")
    text = Text(f"{manifest.name} {manifest.version}", style="bold")
    text.append(
        f" on {found.dataset.name}: {len(table.samples)} images ({told})\n", style="not bold"
    )
    if found.dataset.skipped:
        skipped = ", ".join(f"{count} {label}" for label, count in found.dataset.skipped.items())
        text.append(f"left out: {skipped}\n", style="not bold")
    for path, reason in table.unreadable:
        text.append(f"unreadable: {path}: {reason.removeprefix(f'{path}: ')}\n", style="yellow")
    if manifest.decision:
        rule = f"{manifest.decision.label} from score {manifest.decision.threshold:g} on"
        text.append(f"{rule}; ", style="not bold")
    return text.append("in brackets: 95 % interval\n", style="not bold")


def _figures(found: Evaluation) -> Iterator[RenderableType]:
    told = told_label(found.manifest)
    table = table_of("variant", "accuracy %", "balanced %", "calibration error", "Brier")
    for item in found.variants:
        metrics = item.metrics
        table.add_row(
            item.variant.name,
            percent(metrics.accuracy),
            percent(metrics.balanced_accuracy),
            plain(metrics.calibration_error),
            plain(metrics.brier),
        )
    yield table
    if found.variants[0].metrics.top_5 or (told is None and found.variants[0].metrics.top_1):
        table = table_of("\nvariant", "top-1 %", "top-5 %")
        for item in found.variants:
            table.add_row(
                item.variant.name, percent(item.metrics.top_1), percent(item.metrics.top_5)
            )
        yield table
    if told is None:
        return
    place = found.table.labels.index(told)
    table = table_of(f"\n{told}", "precision %", "recall %", "F1 %", "false alarms %")
    areas = table_of(f"\n{told}", "ROC area", "average precision", "hits", "missed", "false alarms")
    for item in found.variants:
        label, confusion = item.metrics.per_label[place], item.metrics.confusion
        table.add_row(
            item.variant.name,
            percent(label.precision),
            percent(label.recall),
            percent(label.f1),
            percent(label.false_alarms),
        )
        hits = int(confusion[place, place])
        areas.add_row(
            item.variant.name,
            plain(label.roc_area),
            plain(label.average_precision),
            str(hits),
            str(label.n - hits),
            str(int(confusion[:, place].sum()) - hits),
        )
    yield from (table, areas)


def _differences(items: tuple[Difference, ...] | list[Difference], *, pairs: bool = False) -> Table:
    table = table_of(
        "pair" if pairs else "variant",
        "accuracy pp",
        "gained/lost",
        "McNemar p",
        "agree %",
        "score apart, mean",
        "max",
    )
    for item in items:
        table.add_row(
            f"{item.reference}, {item.variant}" if pairs else item.variant,
            points(item.accuracy),
            f"{item.gained}/{item.lost}",
            f"{item.p_value:.2g}",
            percent(item.agreement),
            plain(item.score_mean, digits=4),
            f"{item.score_max:.3f}",
        )
    return table


def _slices(found: Evaluation) -> Iterator[RenderableType]:
    names = [item.variant.name for item in found.variants]
    for column, slices in groupby(found.slices, key=lambda item: item.column):
        compared = [name for name in names if name != found.reference and found.reference]
        table = table_of(
            f"\n{column}",
            "n",
            *(f"{name} %" for name in names),
            *(f"{name} pp" for name in compared),
        )
        for item in slices:
            table.add_row(
                item.value,
                str(item.n),
                *(percent(item.accuracy.get(name)) for name in names),
                *(points(item.against[name]) for name in compared),
            )
        yield table


def _robustness(found: Evaluation) -> Iterator[RenderableType]:
    if found.spoiled:
        names = list(found.spoiled[0].accuracy)
        compared = list(found.spoiled[0].against)
        n = found.spoiled[0].n
        yield Text(f"\nSpoiled pictures: {n} images, mean of five severities", style="bold")
        table = table_of(
            "corruption", *(f"{name} %" for name in names), *(f"{name} pp" for name in compared)
        )
        for item in found.spoiled:
            table.add_row(
                item.corruption,
                *(percent(item.accuracy[name]) for name in names),
                *(points(item.against[name]) for name in compared),
            )
        yield table
    if found.fooled:
        label = found.fooled[0].label
        yield Text(f"\nPictures of nothing that are called {label}", style="bold")
        names = list(found.fooled[0].called)
        table = table_of("kind", "n", *names, *(f"{name}, highest score" for name in names))
        for fooled in found.fooled:
            table.add_row(
                fooled.kind,
                str(fooled.n),
                *(str(round(fooled.called[name].value * fooled.n)) for name in names),
                *(f"{fooled.highest[name]:.3f}" for name in names),
            )
        yield table


def _gate(gate: Gate) -> Iterator[RenderableType]:
    what = "the whole 95 % interval" if gate.rule == "bound" else "the difference itself"
    if gate.passed:
        yield Text(f"\ngate passed: {what} stays inside {gate.max_drop_pp:g} pp", style="green")
        return
    for reason in gate.reasons:
        yield Text(f"\ngate not met: {reason}", style="bold red")
    if gate.rule == "bound":
        yield Text("more images narrow the interval; --gate point looks at the difference alone")
