"""Figures of parts of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecls.measure import intervals
from edgecls.measure.intervals import Estimate
from edgecls.measure.scores import ScoreTable


@dataclass(frozen=True, slots=True)
class SliceFigures:
    """One part: accuracy by variant, and the paired difference from the reference."""

    column: str
    value: str
    n: int
    accuracy: Mapping[str, Estimate]
    against: Mapping[str, Estimate]

    def as_json(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "value": self.value,
            "n": self.n,
            "accuracy": {name: found.as_json() for name, found in self.accuracy.items()},
            "against_reference": {name: found.as_json() for name, found in self.against.items()},
        }


def slice_figures(
    table: ScoreTable, sliced: Mapping[str, Sequence[str]], reference: str | None
) -> tuple[SliceFigures, ...]:
    """Count each slice; the largest first inside its column.

    Args:    sliced: column -> the slice of every image that was asked for, readable or not.
    """
    found = []
    right = {name: item.called == table.truth for name, item in table.answers.items()}
    for column, values in sliced.items():
        words = np.array(values)[table.kept]
        names, counts = np.unique(words, return_counts=True)
        for word in names[np.argsort(-counts, kind="stable")]:
            inside, accuracy, against = words == word, {}, {}
            n = int(inside.sum())
            for name, correct in right.items():
                share = intervals.proportion(int(correct[inside].sum()), n)
                if share:
                    accuracy[name] = share
                if reference is not None and name != reference:
                    base = right[reference][inside]
                    gained, lost = ~base & correct[inside], base & ~correct[inside]
                    against[name] = intervals.paired_difference(
                        int(gained.sum()), int(lost.sum()), n
                    )
            found.append(SliceFigures(column, str(word), n, accuracy, against))
    return tuple(found)
