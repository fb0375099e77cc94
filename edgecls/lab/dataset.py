"""A data set of images with labels: a folder per class, or CSV manifests; split by group.

Only names are held in memory; pixels are read when a batch needs them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from edgecls import plugins
from edgecls._lib.validation import suggestion
from edgecls.bundle.images import read_image
from edgecls.errors import ConfigError
from edgecls.lab import recipe
from edgecls.lab.data import DataError
from edgecls.lab.listing import (
    SPLITS,
    Row,
    columns_of,
    rows_from_folder,
    rows_from_manifest,
)
from edgecls.lab.splitting import groups_from_duplicates, with_splits
from edgecls.types import Pixels

Reader = Callable[[Row], Pixels]

SOURCES: Mapping[str, str] = {"cifar10": "edgecls.lab.cifar10:rows_and_reader"}


@dataclass(frozen=True)
class Photos:
    """Images in a fixed order, read one by one.

    Args:    labels: the classes, in the order of the model's outputs.
             reader: decodes one row's image to RGB uint8 (H, W, 3); raises ImageError.
    """

    rows: tuple[Row, ...]
    labels: tuple[str, ...]
    reader: Reader

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, index: int) -> Pixels:
        """Return one image, decoded as on the device. Raises: ImageError if it cannot be."""
        return self.reader(self.rows[index])

    @cached_property
    def targets(self) -> npt.NDArray[np.int64]:
        """Return the class of every image, shape (n,)."""
        place = {label: index for index, label in enumerate(self.labels)}
        return np.array([place[row.label] for row in self.rows], dtype=np.int64)

    def only(self, wanted: Callable[[Row], bool]) -> Photos:
        """Return the images whose rows are wanted, in the same order."""
        return replace(self, rows=tuple(row for row in self.rows if wanted(row)))

    def split(self, name: str) -> Photos:
        """Return the images of one split."""
        return self.only(lambda row: row.split == name)


def dataset_from(data: recipe.Data) -> Photos:
    """List the images that a recipe names and check them as a whole.

    Raises:  ConfigError when the recipe names no data; DataError with every fault, a line each.
    """
    if data.source != "files":
        rows, reader = plugins.load("data source", SOURCES, data.source)()
        return checked(data, rows, reader)
    if data.root is None:
        raise ConfigError("data.root: missing", hint="give the folder of the images: --data DIR")
    root = data.root
    if root.is_file():
        rows = rows_from_manifest(root)
    elif data.manifests:
        rows = [row for name in data.manifests for row in rows_from_manifest(root / name)]
    else:
        rows = rows_from_folder(root)
    return checked(data, rows, lambda row: read_image(row.path))


def checked(data: recipe.Data, rows: Sequence[Row], reader: Reader) -> Photos:
    """Apply the recipe's choices to `rows`, make what splits are missing, and check the result."""
    kept = [row for row in rows if row.label not in data.ignore_labels]
    labels = data.labels or tuple(sorted({row.label for row in kept}))
    faults = list(_unknown_labels(kept, labels)) if data.labels else []
    _check_columns(kept, {*data.slices, *data.without, *data.balance} - {"label", "split"})
    _check_columns(kept, {*data.leave_out} - {"group"}, allowed=("group",))
    kept = [
        row
        for row in kept
        if not any(row.column(name) in values for name, values in data.without.items())
    ]
    kept = _grouped(kept, data, reader)
    faults += _straddling(kept)
    if not faults:
        kept = with_splits(kept, val_share=data.val_share, test_share=data.test_share)
        faults += _thin_classes(kept, labels)
    if faults:
        lines = faults[0] if len(faults) == 1 else "\n  ".join([f"{len(faults)} faults", *faults])
        raise DataError(lines, hint="edgecls data check DIR shows the whole data set")
    photos = Photos(tuple(kept), labels, reader)
    for column, value in data.leave_out.items():
        photos = without(photos, column, value)
    return photos


def without(photos: Photos, column: str, value: str) -> Photos:
    """Return the data set whose test images are those of `value`, and no others of it train.

    Raises:  DataError when no image is of `value`, or a class is then without training or
             validation images.
    """
    values = {row.column(column) for row in photos.rows}
    if value not in values:
        raise DataError(
            f"data.leave_out: no image has {column} = {value!r}, "
            f"{suggestion(value, sorted(values))}"
        )
    rows = [
        replace(row, split="test") if row.column(column) == value else row
        for row in photos.rows
        if row.split != "test" or row.column(column) == value
    ]
    for split in ("train", "val"):
        left = {row.label for row in rows if row.split == split}
        for label in photos.labels:
            if label not in left:
                raise DataError(
                    f"without {column} = {value} the {split} split has no image of {label!r}"
                )
    return replace(photos, rows=tuple(rows))


def _grouped(rows: list[Row], data: recipe.Data, reader: Reader) -> list[Row]:
    """Fill in the group of each row: the recipe's column, else near-duplicates, else none."""
    if data.group in columns_of(rows):
        return [replace(row, group=row.columns.get(data.group, "")) for row in rows]
    if any(row.split for row in rows) or data.source != "files":
        return rows
    return groups_from_duplicates(rows, reader)


def _check_columns(
    rows: Sequence[Row], names: Iterable[str], *, allowed: Sequence[str] = ("label", "split")
) -> None:
    """Raise ConfigError for columns that the recipe names and the data lacks.

    Args:    allowed: what may be named beside the data's own columns.
    """
    known = columns_of(rows)
    missing = sorted(name for name in names if rows and name not in known)
    if missing:
        raise ConfigError(
            f"the recipe names the column {missing[0]!r}, expected one of "
            f"{', '.join(dict.fromkeys([*allowed, *known]))}"
        )


def _unknown_labels(rows: Sequence[Row], labels: Sequence[str]) -> Iterable[str]:
    unknown = Counter(row.label for row in rows if row.label not in labels)
    for label, count in sorted(unknown.items()):
        first = next(row.file for row in rows if row.label == label)
        yield (
            f"label {label!r} ({count} images, first {first}) is not among the recipe's labels: "
            f"expected one of {', '.join(labels)}; data.ignore_labels leaves it out"
        )


def _straddling(rows: Sequence[Row]) -> list[str]:
    splits: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.group and row.split:
            splits[row.group].add(row.split)
    both = sorted(group for group, names in splits.items() if len(names) > 1)
    if not both:
        return []
    names = ", ".join(sorted(splits[both[0]]))
    more = f"; {len(both) - 1} more groups as well" if len(both) > 1 else ""
    return [f"group {both[0]!r} is in the splits {names}, expected one{more}"]


def _thin_classes(rows: Sequence[Row], labels: Sequence[str]) -> Iterable[str]:
    if not rows:
        yield "no image is left to train on"
        return
    if len(labels) < 2:
        yield f"expected at least 2 classes, received {', '.join(labels) or 'none'}"
    counts: Mapping[str, Counter[str]] = {
        split: Counter(row.label for row in rows if row.split == split) for split in SPLITS
    }
    for label in labels:
        if counts["train"][label] < 2:
            yield (
                f"class {label!r} has {counts['train'][label]} training images, expected at least 2"
            )
        elif not counts["val"][label]:
            yield f"class {label!r} has no validation image"
