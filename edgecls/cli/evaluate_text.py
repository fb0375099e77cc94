"""An evaluation as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgecls.cli.measuring import table as table_of
from edgecls.measure.difference import Difference
from edgecls.measure.evaluate import Evaluation, told_label
from edgecls.measure.gate import Gate
from edgecls.measure.intervals import Estimate
from edgecls.measure.report.words import percent, plain, points


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
        yield Text(title, style="bold")
        yield from _differences(differences)
    if found.agreement:
        yield Text("\nRuntimes at equal precision (second against first)", style="bold")
        yield from _differences(found.agreement, pairs=True)
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


def _differences(items: Sequence[Difference], *, pairs: bool = False) -> Iterator[RenderableType]:
    first = "pair" if pairs else "variant"
    labels = table_of(first, "accuracy pp", "gained/lost", "McNemar p", "agree %")
    scores = table_of(f"\n{first}", "scores apart, mean", "at most", "ROC area")
    for item in items:
        name = f"{item.reference}, {item.variant}" if pairs else item.variant
        labels.add_row(
            name,
            points(item.accuracy),
            f"{item.gained}/{item.lost}",
            f"{item.p_value:.2g}",
            percent(item.agreement),
        )
        area = item.roc_area
        scores.add_row(
            name,
            plain(item.score_mean, digits=4),
            f"{item.score_max:.3f}",
            f"{area.value:+.4f} [{area.low:+.4f},{area.high:+.4f}]" if area else "none",
        )
    yield from (labels, scores)


def _slices(found: Evaluation) -> Iterator[RenderableType]:
    for column, slices in groupby(found.slices, key=lambda item: item.column):
        rows = table_of(f"\n{column}", "n", "variant", "accuracy %", "against float pp")
        for item in slices:
            _by_variant(rows, [item.value, str(item.n)], item.accuracy, item.against)
        yield rows


def _by_variant(
    rows: Table,
    head: list[str],
    accuracy: Mapping[str, Estimate],
    against: Mapping[str, Estimate],
) -> None:
    """Add a row for each variant; what they share stands in the first one only."""
    for name, share in accuracy.items():
        rows.add_row(*head, name, percent(share), points(against[name]) if name in against else "")
        head = [""] * len(head)


def _robustness(found: Evaluation) -> Iterator[RenderableType]:
    if found.spoiled:
        n = found.spoiled[0].n
        yield Text(f"\nSpoiled pictures: {n} images, mean of five severities", style="bold")
        rows = table_of("corruption", "variant", "accuracy %", "against float pp")
        for item in found.spoiled:
            _by_variant(rows, [item.corruption], item.accuracy, item.against)
        yield rows
    yield from _attacks(found)
    if found.fooled:
        yield Text(f"\nPictures of nothing that are called {found.fooled[0].label}", style="bold")
        rows = table_of("kind", "n", "variant", "called so", "% of them", "highest score")
        for fooled in found.fooled:
            head = [fooled.kind, str(fooled.n)]
            for name, share in fooled.called.items():
                count = str(round(share.value * fooled.n))
                rows.add_row(*head, name, count, percent(share), f"{fooled.highest[name]:.3f}")
                head = ["", ""]
        yield rows


def _attacks(found: Evaluation) -> Iterator[RenderableType]:
    if found.attacked is None:
        return
    figures, net = found.attacked.figures, found.attacked.made_against
    title = f"\nPictures made to mislead the float net of {net}: {figures[0].n} images"
    yield Text(title, style="bold")
    rows = table_of("attack", "variant", "accuracy %", "against float pp")
    for item in figures:
        _by_variant(rows, [item.value], item.accuracy, item.against)
    yield rows


def _gate(gate: Gate) -> Iterator[RenderableType]:
    what = "the whole 95 % interval" if gate.rule == "bound" else "the difference itself"
    if gate.passed:
        yield Text(f"\ngate passed: {what} stays inside {gate.max_drop_pp:g} pp", style="green")
        return
    for reason in gate.reasons:
        yield Text(f"\ngate not met: {reason}", style="bold red")
    if gate.rule == "bound" and gate.differences:
        yield Text("more images narrow the interval; --gate point looks at the difference alone")
