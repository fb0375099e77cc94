"""Parts of a data set that deserve a figure of their own: at night, far away, by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from edgecls.errors import ConfigError
from edgecls.measure.dataset import Dataset

VALUES_MAX = 12
LENGTH_MAX = 32
"""A column with longer words is prose, and is a slice only when asked for."""
SMALL = 20
"""A value with fewer images than this has no figure of its own: it joins OTHER."""
OTHER = "other"
MISSING = "not given"

Bin = Callable[[float], str]


def _luma(value: float) -> str:
    """Name a mean brightness of 0 to 255."""
    return "night (under 50)" if value < 50 else "dim (50 to 90)" if value < 90 else "day"


def _area(value: float) -> str:
    """Name the share of the image that the largest person covers."""
    if value <= 0:
        return "none"
    if value < 0.05:
        return "small (under 5 %)"
    return "medium (5 to 20 %)" if value < 0.2 else "large"


BINS: Mapping[str, Bin] = {"mean_luma": _luma, "max_person_area": _area}
"""Columns of numbers with a meaning of their own; others are cut into thirds."""


def slice_values(data: Dataset, columns: Sequence[str] | None) -> dict[str, list[str]]:
    """Return for each column the slice that every sample belongs to.

    Args:    columns: the ones to use; None takes those known in BINS and every column of words with
             2 to 12 different values.
    Raises:  ConfigError for a column that the data has not.
    """
    if columns is not None:
        for column in columns:
            if column not in data.columns:
                raise ConfigError(
                    f"no column {column!r} to slice by, expected one of "
                    f"{', '.join(data.columns) or 'none: the data has labels only'}"
                )
    chosen = data.columns if columns is None else columns
    found = {column: _values(data, column, asked=columns is not None) for column in chosen}
    return {column: values for column, values in found.items() if values}


def _values(data: Dataset, column: str, *, asked: bool) -> list[str]:
    words = [sample.facts[column].strip() for sample in data.samples]
    numbers = _numbers(words)
    if column in BINS and numbers:
        return [MISSING if value is None else BINS[column](value) for value in numbers]
    different = len(set(words))
    if not asked and (not 2 <= different <= VALUES_MAX or max(map(len, words)) > LENGTH_MAX):
        return []
    if numbers and different > VALUES_MAX:
        return _thirds(numbers)
    counts = Counter(words)
    frequent = {word for word, count in counts.most_common(VALUES_MAX) if count >= SMALL}
    if len(frequent) < 2 and not asked:
        return []
    return [(word or MISSING) if word in frequent else OTHER for word in words]


def _numbers(words: Sequence[str]) -> list[float | None]:
    """Return the words as numbers, None where one is empty; nothing when one is no number."""
    try:
        return [float(word) if word else None for word in words]
    except ValueError:
        return []


def _thirds(numbers: Sequence[float | None]) -> list[str]:
    known = sorted(value for value in numbers if value is not None)
    low, high = known[len(known) // 3], known[2 * len(known) // 3]
    names = (f"under {low:g}", f"{low:g} to {high:g}", f"{high:g} and over")
    return [
        MISSING if value is None else names[(value >= low) + (value >= high)] for value in numbers
    ]
