"""The plots of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edgecls.measure.bench_result import Configuration
from edgecls.measure.evaluate import VariantFigures
from edgecls.measure.intervals import Estimate
from edgecls.measure.layers import Layer
from edgecls.measure.reliability import Reliability
from edgecls.measure.report.svg import Axis, Plot, padded
from edgecls.measure.report.words import percent, points
from edgecls.measure.robustness import Spoiled
from edgecls.measure.timing import QUANTILES

Floats = npt.NDArray[np.float64]

POINTS_MAX = 200
NAME_PX = 6.6


def accuracies(rows: Sequence[tuple[str, Estimate, int]]) -> str:
    """Draw proportions with their intervals below each other; each is (name, figure, colour)."""
    low, high = padded([x for _, found, _ in rows for x in (found.low, found.high)])
    axis = Axis("accuracy %, 95 % interval", max(0.0, low), min(1.0, high), percent=True)
    plot = _rows(axis, [name for name, _, _ in rows], "accuracy")
    for place, (name, found, colour) in enumerate(reversed(rows)):
        limits = (found.low, found.high)
        tip = f"{name}: {percent(found)}, n = {found.n}"
        plot.dot(found.value, place, colour, x_range=limits, tip=tip)
    return plot.svg()


def differences(
    rows: Sequence[tuple[str, Estimate, int]], *, reference: str, budget_pp: float | None
) -> str:
    """Draw differences from the reference with their intervals, the zero and the budget."""
    values = [x for _, found, _ in rows for x in (found.low, found.high)] + [0.0]
    if budget_pp is not None:
        values.append(-budget_pp / 100)
    low, high = padded(values)
    axis = Axis(f"percentage points against {reference}", low, high, percent=True)
    plot = _rows(axis, [name for name, _, _ in rows], "difference of accuracy")
    plot.rule(x=0.0)
    if budget_pp is not None:
        plot.rule(x=-budget_pp / 100, kind="limit", name="budget")
    for place, (name, found, colour) in enumerate(reversed(rows)):
        limits = (found.low, found.high)
        tip = f"{name}: {points(found)} pp, n = {found.n}"
        plot.dot(found.value, place, colour, x_range=limits, tip=tip)
    return plot.svg()


def _rows(axis: Axis, names: Sequence[str], title: str) -> Plot:
    left = min(190, 20 + round(NAME_PX * max(len(name) for name in names)))
    height = 54 + 26 * max(2, len(names)) + 16
    rows = Axis("", -0.7, len(names) - 0.3)
    return Plot(axis, rows, title, height=height, left=left, y_names=list(names))


def roc(variants: Sequence[VariantFigures]) -> str:
    plot = Plot(Axis("false alarms %", 0, 1, percent=True), Axis("found %", 0, 1, percent=True),
                "ROC curves")  # fmt: skip
    plot.diagonal()
    for colour, item in enumerate(variants):
        curve = item.metrics.roc
        if curve is not None:
            x, y = _thin(curve.x, curve.y)
            plot.steps(x, y, colour)
    return plot.svg()


def precision_recall(variants: Sequence[VariantFigures]) -> str:
    lowest = min(
        (float(v.metrics.precision_recall.y.min()) for v in variants if v.metrics.precision_recall),
        default=0.0,
    )
    low = max(0.0, lowest - 0.05)
    plot = Plot(Axis("found %", 0, 1, percent=True), Axis("precision %", low, 1, percent=True),
                "precision-recall curves")  # fmt: skip
    for colour, item in enumerate(variants):
        curve = item.metrics.precision_recall
        if curve is not None:
            plot.line(*_thin(curve.x, curve.y), colour)
    return plot.svg()


def _thin(x: Floats, y: Floats) -> tuple[list[float], list[float]]:
    """Keep at most POINTS_MAX points, the ends among them."""
    chosen = np.unique(np.linspace(0, len(x) - 1, POINTS_MAX).round().astype(int))
    return x[chosen].tolist(), y[chosen].tolist()


def reliabilities(tables: Sequence[Reliability]) -> str:
    """Draw how often the winning label is right against the score it wins with."""
    low = min(float(np.nanmin(table.share)) for table in tables)
    start = 0.4 if low >= 0.4 else 0.0
    x = Axis("score of the winning label", start, 1)
    plot = Plot(x, Axis("right %", 0, 1, percent=True), "reliability")
    plot.line([start, 1], [start, 1], 7)
    for colour, table in enumerate(tables):
        held = table.n > 0
        plot.line(table.share[held].tolist(), table.right[held].tolist(), colour)
        for share, right, n in zip(
            table.share[held], table.right[held], table.n[held], strict=True
        ):
            plot.dot(
                float(share), float(right), colour, tip=f"{n} images: {100 * right:.1f} % right"
            )
    return plot.svg()


def spoiled(item: Spoiled) -> str:
    """Draw accuracy over the severities of one corruption."""
    plot = Plot(Axis("severity", 0.7, 5.3), Axis("%", 0, 1, percent=True), item.corruption,
                width=200, height=160, left=38)  # fmt: skip
    for colour, (name, figures) in enumerate(item.by_severity.items()):
        levels = [float(level) for level in range(1, len(figures) + 1)]
        plot.line(levels, [found.value for found in figures], colour)
        for level, found in zip(levels, figures, strict=True):
            plot.dot(level, found.value, colour, tip=f"{name}: {percent(found)}, n = {found.n}")
    return plot.svg()


def accuracy_against_latency(
    rows: Sequence[tuple[Configuration, Estimate]], colours: Mapping[str, int]
) -> str:
    """Draw what one gets for one's milliseconds, with both intervals."""
    times = [x for item, _ in rows for x in (*item.p50_range_ms, item.latency.p50_ms)]
    low, high = padded([x for _, found in rows for x in (found.low, found.high)])
    x = Axis("ms for an image (p50)", min(times) / 1.3, max(times) * 1.5, log=True)
    y = Axis("accuracy %", max(0.0, low), min(1.0, high), percent=True)
    plot = Plot(x, y, "accuracy against latency")
    for item, found in rows:
        tip = f"{item.name}, {item.threads}: {item.latency.p50_ms:.3f} ms, {percent(found)} %"
        plot.dot(
            item.latency.p50_ms,
            found.value,
            colours[item.name],
            x_range=item.p50_range_ms,
            y_range=(found.low, found.high),
            tip=tip,
        )
    return plot.svg()


def latencies(items: Sequence[Configuration], colours: Sequence[int]) -> str:
    """Draw what share of the calls is done within a time."""
    lows = [float(item.latency.quantiles_ms[0]) for item in items]
    highs = [float(item.latency.quantiles_ms[-3]) for item in items]  # the 99 % point
    x = Axis("ms for an image", min(lows) / 1.1, max(highs) * 1.2, log=True)
    plot = Plot(x, Axis("calls done %", 0, 1, percent=True), "distribution of latency")
    plot.rule(y=0.5)
    for item, colour in zip(items, colours, strict=True):
        plot.line(item.latency.quantiles_ms[:-2].tolist(), list(QUANTILES[:-2]), colour)
    return plot.svg()


def stages(items: Sequence[Configuration]) -> str:
    """Draw the steps from a JPEG to the decision as bars, mean times one after the other."""
    names = [f"{item.name}, {item.threads}" for item in items]
    totals = [sum(stage.mean_ms for stage in item.stages.values()) for item in items]
    plot = _rows(Axis("mean ms", 0, 1.05 * max(totals)), names, "from a JPEG to the decision")
    for place, item in enumerate(reversed(items)):
        begun = 0.0
        for colour, (name, stage) in enumerate(item.stages.items()):
            tip = f"{name}: {stage.mean_ms:.3f} ms, {item.share(name):.0%}"
            plot.bar(begun, begun + stage.mean_ms, place, colour, tip=tip)
            begun += stage.mean_ms
    return plot.svg()


def overheads(items: Sequence[Configuration]) -> str:
    """Draw our time over the bare interpreter's, with the interval."""
    rows = [(item, item.overhead) for item in items if item.overhead]
    low, high = padded([x for _, o in rows for x in (o.low, o.high)] + [0.98, 1.02])
    names = [f"{item.name}, {item.threads}" for item, _ in rows]
    plot = _rows(Axis("times the bare interpreter", low, high), names, "overhead")
    plot.rule(x=1.0)
    for place, (item, found) in enumerate(reversed(rows)):
        tip = f"{item.name}: {found.value:.4f}"
        plot.dot(found.value, place, 0, x_range=(found.low, found.high), tip=tip)
    return plot.svg()


def layers(items: Sequence[Layer]) -> str:
    """Draw the signal-to-noise ratio from the first layer to the last, with its interval."""
    low, high = padded([x for item in items for x in (item.sqnr_db.low, item.sqnr_db.high)])
    x = Axis("layer", 0, len(items) + 1)
    plot = Plot(x, Axis("SQNR dB", low, high), "error by layer", width=900, height=320)
    places = [float(place) for place in range(1, len(items) + 1)]
    plot.line(places, [item.sqnr_db.value for item in items], 0)
    for place, item in zip(places, items, strict=True):
        found = item.sqnr_db
        tip = f"{item.name}: {found.value:.1f} dB, lost {item.drop_db:+.1f}"
        plot.dot(place, found.value, 0, y_range=(found.low, found.high), tip=tip)
    return plot.svg()
