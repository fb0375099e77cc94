"""The figures of one variant on one set of images, each with n and its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecls.measure import curves, intervals, reliability
from edgecls.measure.intervals import Estimate
from edgecls.measure.scores import Answers

Truth = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class LabelMetrics:
    """One label against the rest; None where there is nothing to divide by.

    Args:    n: images that show it.   false_alarms: share of the other images called so.
    """

    label: str
    n: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    false_alarms: Estimate | None
    roc_area: Estimate | None
    average_precision: Estimate | None

    def as_json(self) -> dict[str, Any]:
        figures = {
            name: getattr(self, name)
            for name in ("precision", "recall", "f1", "false_alarms", "roc_area")
        }
        figures["average_precision"] = self.average_precision
        return {"label": self.label, "n": self.n, **_jsons(figures)}


@dataclass(frozen=True, slots=True, eq=False)
class Metrics:
    """Everything about one variant.

    Args:    confusion: images by truth (row) and call (column), in the order of `labels`.
             top_1, top_5: by score alone, without a threshold; None where there are too few labels.
             roc, precision_recall: of the label that people are told about, None without one.
    """

    labels: tuple[str, ...]
    n: int
    accuracy: Estimate
    balanced_accuracy: Estimate | None
    top_1: Estimate | None
    top_5: Estimate | None
    calibration_error: Estimate
    brier: Estimate
    confusion: npt.NDArray[np.int64]
    per_label: tuple[LabelMetrics, ...]
    roc: curves.Curve | None
    precision_recall: curves.Curve | None
    reliability: reliability.Reliability

    @property
    def ci95(self) -> tuple[float, float]:
        """Return the interval of the accuracy."""
        return self.accuracy.low, self.accuracy.high

    def as_json(self) -> dict[str, Any]:
        figures = {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "top_1": self.top_1,
            "top_5": self.top_5,
            "calibration_error": self.calibration_error,
            "brier": self.brier,
        }
        return {
            "n": self.n,
            **_jsons(figures),
            "confusion": {"labels": list(self.labels), "rows": self.confusion.tolist()},
            "per_label": [item.as_json() for item in self.per_label],
        }


def metrics_from_answers(
    labels: tuple[str, ...], truth: Truth, answers: Answers, *, told: str | None = None
) -> Metrics:
    """Count one variant's answers.

    Args:    truth: index of the right label, shape (N,), N at least 1.
             told: the label that people are told about, whose curves are kept.
    """
    n, correct = len(truth), answers.called == truth
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, answers.called), 1)
    counts = [(int(confusion[i, i]), int(confusion[i].sum())) for i in range(len(labels))]
    confidence = answers.scores.max(axis=1)
    best = answers.scores.argmax(axis=1) == truth
    accuracy = intervals.proportion(int(correct.sum()), n)
    if accuracy is None:
        raise ValueError("metrics need at least one image")
    return Metrics(
        labels,
        n,
        accuracy,
        intervals.mean_of_proportions([count for count in counts if count[1]]),
        intervals.proportion(int(best.sum()), n) if len(labels) > 2 else None,
        _top(answers, truth, 5) if len(labels) > 5 else None,
        reliability.expected_calibration_error(confidence, best, truth),
        reliability.brier(answers.scores, truth),
        confusion,
        tuple(_label_metrics(labels, i, truth, answers, confusion) for i in range(len(labels))),
        *_curves(labels, truth, answers, told),
        reliability.reliability(confidence, best),
    )


def _curves(
    labels: tuple[str, ...], truth: Truth, answers: Answers, told: str | None
) -> tuple[curves.Curve | None, curves.Curve | None]:
    if told is None:
        return None, None
    scores, positive = answers.scores[:, labels.index(told)], truth == labels.index(told)
    if positive.all() or not positive.any():
        return None, None
    return curves.roc(scores, positive), curves.precision_recall(scores, positive)


def _label_metrics(
    labels: tuple[str, ...],
    place: int,
    truth: Truth,
    answers: Answers,
    confusion: npt.NDArray[np.int64],
) -> LabelMetrics:
    hits, shown = int(confusion[place, place]), int(confusion[place].sum())
    calls, n = int(confusion[:, place].sum()), int(confusion.sum())
    scores, positive = answers.scores[:, place], truth == place
    return LabelMetrics(
        labels[place],
        shown,
        intervals.proportion(hits, calls),
        intervals.proportion(hits, shown),
        intervals.f1(hits, calls - hits, shown - hits),
        intervals.proportion(calls - hits, n - shown),
        curves.roc_area(scores, positive),
        curves.average_precision(scores, positive),
    )


def _top(answers: Answers, truth: Truth, k: int) -> Estimate | None:
    """Count how often the truth is among the k highest scores; ties favour the lower index."""
    ranked = np.argsort(-answers.scores, axis=1, kind="stable")[:, :k]
    return intervals.proportion(int((ranked == truth[:, np.newaxis]).any(axis=1).sum()), len(truth))


def _jsons(figures: dict[str, Estimate | None]) -> dict[str, Any]:
    return {name: value.as_json() if value else None for name, value in figures.items()}
