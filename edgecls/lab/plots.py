"""Pictures of a run: curves, confusion matrix, and the chart beside a classified image."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from edgecls.types import Pixels

DPI = 110
TRAIN_COLOUR, VAL_COLOUR = "#1f5fa8", "#d1661f"
TITLE_LETTERS, LABEL_LETTERS = 50, 24
SIDE_IN_MAX = 40.0
"""Of the confusion matrix: a thousand classes would make a picture of ten gigabytes."""


def curves_png(history: Sequence[Mapping[str, float | int | str]]) -> bytes:
    """Return loss, accuracy and learning rate over all epochs; phases are set apart."""
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    loss, accuracy, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
    epochs = np.arange(1, len(history) + 1)
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        for key, label, colour in (
            (name, "training", TRAIN_COLOUR), (f"val_{name}", "validation", VAL_COLOUR),
        ):  # fmt: skip
            values = [float(record.get(key, np.nan)) for record in history]
            axes.plot(epochs, values, label=label, color=colour, marker="o", markersize=3)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    loss.legend()
    rate.plot(epochs, [float(record.get("rate", np.nan)) for record in history], color="#555555")
    rate.set_yscale("log")
    rate.set_ylabel("rate")
    rate.set_xlabel("epoch")
    rate.set_xlim(0.5, len(history) + 0.5)
    for place, record in enumerate(history):
        starts = place == 0 or history[place - 1]["phase"] != record["phase"]
        if not starts:
            continue
        loss.annotate(
            str(record["phase"]), (place + 0.6, 1.02), xycoords=("data", "axes fraction"),
            fontsize=9,
        )  # fmt: skip
        if place:
            for axes in (loss, accuracy, rate):
                axes.axvline(place + 0.5, color="#999999", linewidth=0.8)
    return _png(figure)


def confusion_png(counts: npt.NDArray[np.int64], labels: Sequence[str], *, title: str) -> bytes:
    """Return a confusion matrix, rows the truth, shaded by the share of the row."""
    side = min(SIDE_IN_MAX, max(3.5, 0.55 * len(labels) + 2.2))
    names = [_text(label, LABEL_LETTERS) for label in labels]
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(labels)), names)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    axes.set_title(title, fontsize=10)
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            axes.text(
                column, row, str(counts[row, column]), ha="center", va="center", fontsize=8,
                color="white" if shares[row, column] > 0.5 else "black",
            )  # fmt: skip
    return _png(figure)


def top_scores_png(pixels: Pixels, scores: Mapping[str, float], *, title: str) -> bytes:
    """Return a picture with its title, and beside it a bar chart of its scores, the best on top.

    Args:    scores: 0 to 1, the best first.
    """
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    image, bars = figure.subplots(1, 2)
    image.imshow(pixels)
    image.set_axis_off()
    image.set_title(_text(title, TITLE_LETTERS), fontsize=10)
    names = [_text(label, LABEL_LETTERS) for label in scores][::-1]
    values = [score * 100 for score in scores.values()][::-1]
    drawn = bars.barh(range(len(names)), values, color=TRAIN_COLOUR)
    bars.set_yticks(range(len(names)), names)
    bars.bar_label(drawn, fmt="%.1f %%", padding=3, fontsize=9)
    bars.set_xlim(0, 118)
    bars.set_xticks(range(0, 101, 20))
    bars.set_xlabel("score in %")
    for edge in ("top", "right"):
        bars.spines[edge].set_visible(False)
    return _png(figure)


def _text(text: str, letters: int) -> str:
    """Return a name as matplotlib draws it: $ is no formula, a long one loses its middle."""
    text = " ".join(text.split())
    if len(text) > letters:
        text = f"{text[: letters // 2]}\N{HORIZONTAL ELLIPSIS}{text[-(letters // 2 - 1) :]}"
    return text.replace("$", r"\$")


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a box stands for it
        figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()
