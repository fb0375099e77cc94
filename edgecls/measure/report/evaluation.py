"""The report of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import cv2
import numpy as np

from edgecls.bundle.images import encode_jpeg, read_image
from edgecls.errors import ImageError
from edgecls.measure.difference import Difference, Flip
from edgecls.measure.evaluate import Evaluation, told_label
from edgecls.measure.gate import Gate
from edgecls.measure.report import page, plots
from edgecls.measure.report.words import percent, plain, points
from edgecls.measure.sliced import SliceFigures

FLIPS_MAX = 24
THUMBNAIL_PX = 180
CURVE_LABELS_MAX = 12


def evaluation_page(found: Evaluation) -> bytes:
    """Return the whole report as one HTML file."""
    title = f"{found.manifest.name} {found.manifest.version}: accuracy"
    return page.page(title, [*_head(found, title), *evaluation_sections(found)])


def _head(found: Evaluation, title: str) -> Iterator[str]:
    table, decision = found.table, found.manifest.decision
    counts = ", ".join(
        f"{int((table.truth == place).sum())} {name}" for place, name in enumerate(table.labels[:8])
    )
    skipped = ", ".join(f"{count} {name}" for name, count in found.dataset.skipped.items())
    yield page.heading(
        title,
        [
            f"{found.dataset.name}: {len(table.samples)} images ({counts})",
            f"left out: {skipped}" if skipped else "",
            f"{decision.label} from score {decision.threshold:g} on" if decision else "",
            found.device.as_line(),
            "Figures in brackets are 95 % intervals.",
        ],
    )
    for path, reason in table.unreadable:
        yield page.paragraph(f"unreadable: {path.name}: {reason}", "bad")
    for name, reason in found.not_measured.items():
        yield page.paragraph(f"{name} was not measured: {reason}", "bad")


def evaluation_sections(found: Evaluation) -> Iterator[str]:
    """Yield the sections, for this report and for those that hold more."""
    if found.gate:
        yield _verdict(found.gate)
    yield _accuracy(found)
    yield from _curves(found)
    yield from _agreement(found)
    yield from _slices(found)
    yield from _spoiled(found)
    yield from _attacked(found)
    yield from _fooled(found)
    yield from _flips(found)


def _verdict(gate: Gate) -> str:
    if gate.passed:
        what = "the whole 95 % interval" if gate.rule == "bound" else "the difference itself"
        return page.paragraph(
            f"Gate passed: {what} stays inside {gate.max_drop_pp:g} percentage points.", "good"
        )
    return "".join(page.paragraph(f"Gate not met: {reason}", "bad") for reason in gate.reasons)


def _accuracy(found: Evaluation) -> str:
    told = told_label(found.manifest)
    place = found.table.labels.index(told) if told else None
    colours = {item.variant.name: i for i, item in enumerate(found.variants)}
    hits, scores = [], []
    for item in found.variants:
        metrics, name = item.metrics, item.variant.name
        row = [name, percent(metrics.accuracy), percent(metrics.balanced_accuracy)]
        areas = [name]
        if place is not None:
            label = metrics.per_label[place]
            row += [percent(label.precision), percent(label.recall), percent(label.f1)]
            row += [percent(label.false_alarms)]
            areas += [plain(label.roc_area), plain(label.average_precision)]
        elif metrics.top_1:
            row += [percent(metrics.top_5)]
        hits.append(row)
        scores.append([*areas, plain(metrics.calibration_error), plain(metrics.brier)])
    titles, areas = ["variant", "accuracy %", "balanced %"], ["variant"]
    if place is not None:
        titles += [f"{told}: precision %", "recall %", "F1 %", "false alarms %"]
        areas += ["ROC area", "average precision"]
    elif found.variants[0].metrics.top_1:
        titles += ["top-5 %"]
    names = [(i.variant.name, i.metrics.accuracy, colours[i.variant.name]) for i in found.variants]
    shown = [("Accuracy", plots.accuracies(names))]
    differences = [
        (item.variant.name, item.against.accuracy, colours[item.variant.name])
        for item in found.variants
        if item.against
    ]
    if differences and found.reference:
        budget = found.gate.max_drop_pp if found.gate else None
        drawn = plots.differences(differences, reference=found.reference, budget_pp=budget)
        shown.append((f"Difference from {found.reference}, paired", drawn))
    tables = [
        page.table(titles, hits),
        page.table([*areas, "calibration error", "Brier"], scores),
    ]
    text = f"n = {len(found.table.samples)} for every variant."
    return page.section("Accuracy", [page.cards(shown), *tables], text=text)


def _curves(found: Evaluation) -> Iterator[str]:
    names = [item.variant.name for item in found.variants]
    shown = []
    if found.variants[0].metrics.roc is not None:
        told = told_label(found.manifest)
        shown.append((f"ROC, {told}", plots.roc(found.variants)))
        shown.append((f"Precision and recall, {told}", plots.precision_recall(found.variants)))
    shown.append(
        ("Reliability", plots.reliabilities([item.metrics.reliability for item in found.variants]))
    )
    yield page.section("Curves", [page.key(names), page.cards(shown)])
    if len(found.table.labels) <= CURVE_LABELS_MAX:
        matrices = [
            (
                item.variant.name,
                page.matrix(item.metrics.labels, item.metrics.confusion.tolist(), i),
            )
            for i, item in enumerate(found.variants)
        ]
        yield page.section("Confusion", [page.cards(matrices)])


def _agreement(found: Evaluation) -> Iterator[str]:
    against = [item.against for item in found.variants if item.against]
    if against:
        text = (
            f"n = {len(found.table.samples)} images, the same for both; p is McNemar's exact test."
        )
        yield page.section(f"Against {found.reference}", [_pairs(against)], text=text)
    if found.agreement:
        text = "The second against the first: what is lost between runtimes, not by quantizing."
        yield page.section("Runtimes at equal precision", [_pairs(found.agreement)], text=text)


def _pairs(items: tuple[Difference, ...] | list[Difference]) -> str:
    rows = [
        [
            f"{item.reference}, {item.variant}",
            points(item.accuracy),
            f"{item.gained} / {item.lost}",
            f"{item.p_value:.3g}",
            percent(item.agreement),
            plain(item.score_mean, digits=4),
            f"{item.score_max:.3f}",
        ]
        for item in items
    ]
    titles = ["pair", "accuracy pp", "gained / lost", "p", "same label %"]
    return page.table([*titles, "scores apart, mean", "at most"], rows)


def _slices(found: Evaluation) -> Iterator[str]:
    if not found.slices:
        return
    names = [item.variant.name for item in found.variants]
    parts = []
    for column, group in groupby(found.slices, key=lambda item: item.column):
        rows = [_slice_row(item, names, found.reference) for item in group]
        compared = [f"{name} pp" for name in names if name != found.reference and found.reference]
        titles = [column, "n", *(f"{name} %" for name in names), *compared]
        parts.append(page.table(titles, rows))
    yield page.section("Slices", parts, text="pp: against the float32 reference, paired.")


def _slice_row(item: SliceFigures, names: list[str], reference: str | None) -> list[str]:
    compared = [points(item.against[name]) for name in names if name != reference and reference]
    return [item.value, str(item.n), *(percent(item.accuracy[name]) for name in names), *compared]


def _spoiled(found: Evaluation) -> Iterator[str]:
    names = [item.variant.name for item in found.variants]
    if found.spoiled:
        shown = [
            (item.corruption.replace("_", " "), plots.spoiled(item)) for item in found.spoiled[1:]
        ]
        rows = [
            [
                item.corruption.replace("_", " "),
                *(percent(item.accuracy[name]) for name in names),
                *(points(item.against[name]) for name in names if name in item.against),
            ]
            for item in found.spoiled
        ]
        compared = [f"{name} pp" for name in names if name in found.spoiled[0].against]
        titles = ["corruption", *(f"{name} %" for name in names), *compared]
        text = (
            f"{found.spoiled[0].n} images, each at five severities after ImageNet-C; the table "
            "gives the mean over severities."
        )
        parts = [page.key(names), page.cards(shown, small=True), page.table(titles, rows)]
        yield page.section("Spoiled pictures", parts, text=text)


def _attacked(found: Evaluation) -> Iterator[str]:
    if found.attacked is None:
        return
    names = [item.variant.name for item in found.variants]
    figures = found.attacked.figures
    rows = [_slice_row(item, names, found.reference) for item in figures]
    compared = [f"{name} pp" for name in names if name != found.reference and found.reference]
    titles = ["attack", "n", *(f"{name} %" for name in names), *compared]
    text = (
        "fgsm-4: every pixel moved by 4 of 255 grey levels so that the float net of "
        f"{found.attacked.made_against} errs most (Goodfellow 2015); chance: as far, up or down by "
        "chance; none: untouched. pp: against the float32 reference, paired."
    )
    yield page.section("Pictures made to mislead", [page.table(titles, rows)], text=text)


def _fooled(found: Evaluation) -> Iterator[str]:
    if not found.fooled:
        return
    names = [item.variant.name for item in found.variants]
    label = found.fooled[0].label
    rows = [
        [
            item.kind,
            str(item.n),
            *(percent(item.called[name]) for name in names),
            *(f"{item.highest[name]:.3f}" for name in names),
        ]
        for item in found.fooled
    ]
    highest = [f"{name}, highest score" for name in names]
    titles = ["kind", "n", *(f"{name} %" for name in names), *highest]
    text = f"Flat colours, noise and patterns: how many are called {label}."
    yield page.section("Pictures of nothing", [page.table(titles, rows)], text=text)


def _flips(found: Evaluation) -> Iterator[str]:
    for item in found.variants:
        flips = item.against.flips if item.against else ()
        if not flips:
            continue
        shown = [(_thumbnail(flip), _caption(flip)) for flip in flips[:FLIPS_MAX]]
        text = f"{len(flips)} of {item.metrics.n} images"
        if len(flips) > FLIPS_MAX:
            text += f", {FLIPS_MAX} shown"
        title = f"Labels that {item.variant.name} changes"
        yield page.section(title, [page.pictures(shown)], text=f"{text}.")


def _thumbnail(flip: Flip) -> bytes:
    try:
        pixels = read_image(flip.file)
    except ImageError:  # it has gone since it was evaluated
        pixels = np.zeros((1, 1, 3), np.uint8)
    scale = min(1.0, THUMBNAIL_PX / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(small, 75)


def _caption(flip: Flip) -> str:
    right = "right now" if flip.label == flip.truth else "wrong now"
    if flip.truth not in (flip.label, flip.reference_label):
        right = "wrong in both"
    return (
        f"{flip.file.name}: {flip.truth}. {flip.reference_label} {flip.reference_score:.3f} "
        f"became {flip.label} {flip.score:.3f}: {right}"
    )
