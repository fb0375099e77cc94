"""Two variants on the same images: how much worse, how sure, and where they disagree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgecls.measure import curves, intervals, reliability
from edgecls.measure.intervals import Estimate
from edgecls.measure.scores import Answers, ScoreTable


@dataclass(frozen=True, slots=True)
class Flip:
    """An image that the two variants call by different labels; scores are of the told label, or of
    each one's own call where the bundle tells of none.
    """

    file: Path
    truth: str
    reference_label: str
    reference_score: float
    label: str
    score: float

    def as_json(self) -> dict[str, Any]:
        return {
            "file": str(self.file),
            "truth": self.truth,
            "reference": {"label": self.reference_label, "score": round(self.reference_score, 6)},
            "variant": {"label": self.label, "score": round(self.score, 6)},
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A variant against a reference, on the same images.

    Args:    accuracy: variant minus reference.   gained, lost: images that only the variant, only
             the reference gets right.   p_value: McNemar's exact test.
             agreement: share of images with the same call.
             score_mean: mean absolute difference of the scores, over images and labels.
             score_max: the largest one, and `score_max_file` where it is seen.
             roc_area: variant minus reference, None without a told label or with one class.
    """

    reference: str
    variant: str
    accuracy: Estimate
    gained: int
    lost: int
    p_value: float
    agreement: Estimate
    score_mean: Estimate
    score_max: float
    score_max_file: Path
    roc_area: Estimate | None
    flips: tuple[Flip, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "variant": self.variant,
            "accuracy": self.accuracy.as_json(),
            "accuracy_pp": round(100 * self.accuracy.value, 4),
            "gained": self.gained,
            "lost": self.lost,
            "mcnemar_p": round(self.p_value, 6),
            "agreement": self.agreement.as_json(),
            "score_difference": {
                "mean": self.score_mean.as_json(),
                "max": round(self.score_max, 6),
                "max_file": str(self.score_max_file),
            },
            "roc_area": self.roc_area.as_json() if self.roc_area else None,
            "flips": [flip.as_json() for flip in self.flips],
        }


def difference(
    table: ScoreTable, reference: str, variant: str, *, told: str | None = None
) -> Difference:
    """Compare `variant` with `reference` on every image of the table."""
    one, other = table.answers[reference], table.answers[variant]
    right_one, right_other = one.called == table.truth, other.called == table.truth
    gained, lost = int((~right_one & right_other).sum()), int((right_one & ~right_other).sum())
    n = len(table.truth)
    apart = np.abs(one.scores - other.scores)
    worst = int(apart.max(axis=1).argmax())
    agreement = intervals.proportion(int((one.called == other.called).sum()), n)
    if agreement is None:
        raise ValueError("a difference needs at least one image")
    place = table.labels.index(told) if told is not None else None
    area = None
    if place is not None:
        area = curves.roc_area_difference(
            one.scores[:, place], other.scores[:, place], table.truth == place
        )
    return Difference(
        reference,
        variant,
        intervals.paired_difference(gained, lost, n),
        gained,
        lost,
        intervals.mcnemar_exact(gained, lost),
        agreement,
        reliability.mean_estimate(apart.mean(axis=1)),
        float(apart.max()),
        table.samples[worst].path,
        area,
        tuple(
            _flip(table, one, other, int(i), place)
            for i in np.flatnonzero(one.called != other.called)
        ),
    )


def _flip(table: ScoreTable, one: Answers, other: Answers, i: int, place: int | None) -> Flip:
    first, second = int(one.called[i]), int(other.called[i])
    return Flip(
        table.samples[i].path,
        table.samples[i].label,
        table.labels[first],
        float(one.scores[i, first if place is None else place]),
        table.labels[second],
        float(other.scores[i, second if place is None else place]),
    )
