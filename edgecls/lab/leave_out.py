"""Train once per source, without it, and test on it: how a recipe does where it has never been."""

from __future__ import annotations

import json
import logging
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from edgecls.errors import ConfigError
from edgecls.lab.checkpoint import write
from edgecls.lab.dataset import Photos, dataset_from, without
from edgecls.lab.fit import Watcher
from edgecls.lab.listing import columns_of
from edgecls.lab.recipe import Recipe
from edgecls.lab.run_folder import RunFolder
from edgecls.lab.training import train

log = logging.getLogger(__name__)
IMAGES_MIN = 60
"""Values with fewer images stay in the training data: they cannot tell much."""


def train_leaving_out(
    recipe: Recipe, out: Path, *, column: str, watcher: Watcher, resume: bool = False
) -> Mapping[str, Any]:  # Any: JSON
    """Train a run per value of `column`, each in a folder of its own under `out`.

    A value's images, of all splits, are the test images of its run. Runs that are finished are
    kept, so a second call with `resume` goes on.

    Raises:  ConfigError for a column with too few values; else as `train`.
    """
    photos = dataset_from(recipe.data.model_copy(update={"leave_out": {}}))
    values = values_of(photos, column)
    found = {}
    for place, (value, name) in enumerate(names_of(values).items(), start=1):
        log.info("leaving out %s = %s, %d of %d", column, value, place, len(values))
        folder = RunFolder(out / name)
        if not (resume and folder.report.exists()):
            keras.utils.clear_session(free_memory=True)
            going_on = resume and folder.checkpoint.exists()
            data = recipe.data.model_copy(update={"leave_out": {column: value}})
            train(
                recipe.model_copy(update={"data": data}), folder.path, watcher=watcher,
                resume=going_on, photos=without(photos, column, value),
            )  # fmt: skip
        report = json.loads(folder.report.read_text(encoding="utf-8"))
        found[value] = report["results"]["test"]["accuracy"]
    summary = {
        "schema": 1,
        "recipe": recipe.name,
        "column": column,
        "values": found,
        "mean": round(statistics.fmean(result["value"] for result in found.values()), 6),
        "worst": min(found, key=lambda value: found[value]["value"]),
    }
    write(out / "leave-out.json", (json.dumps(summary, indent=2) + "\n").encode())
    return summary


def values_of(photos: Photos, column: str) -> list[str]:
    """Return the values of a column that have enough images and can be spared, sorted."""
    columns = columns_of(photos.rows)
    if column not in ("group", "label", *columns):
        raise ConfigError(
            f"--leave-out {column}: the data has no such column",
            hint=f"columns: {', '.join(dict.fromkeys(['group', *columns]))}",
        )
    counts = Counter(row.column(column) for row in photos.rows)
    values = sorted(value for value, count in counts.items() if value and count >= IMAGES_MIN)
    if len(values) < 2:
        raise ConfigError(
            f"--leave-out {column} needs at least 2 values with {IMAGES_MIN} images, "
            f"received {len(values)}"
        )
    return values


def names_of(values: Sequence[str]) -> dict[str, str]:
    """Return a folder's name for each value: its letters and digits, the rest as dashes.

    Two values never share one: "a b" and "a/b" become a-b and a-b-2.
    """
    names: dict[str, str] = {}
    for value in values:
        plain = re.sub(r"[^\w.]+", "-", value).strip("-.") or "empty"
        name, number = plain, 1
        while name.lower() in {taken.lower() for taken in names.values()}:
            number += 1
            name = f"{plain}-{number}"
        names[value] = name
    return names
