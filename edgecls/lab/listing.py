"""List images: from a folder per class, or from a CSV manifest. No pixel is read here."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgecls.bundle.images import SUFFIXES
from edgecls.lab.data import DataError, sha256_of

SPLITS = ("train", "val", "test")
SPLIT_NAMES: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
MUST_HAVE = ("file", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """One image of a data set.

    Args:    file: as the manifest writes it, or relative to the folder; how messages name it.
             split: one of SPLITS, or "" where the data does not say.
             group: images of one group stay in one split; "" belongs to none.
             columns: the manifest's further columns.
    """

    path: Path
    file: str
    label: str
    split: str = ""
    group: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> str:
        """Return a column's value; "label", "split" and "group" are columns as well."""
        if name in ("label", "split", "group"):
            return str(getattr(self, name))
        return self.columns.get(name, "")

    def digest(self) -> str:
        """Return the SHA-256 of the file as hex, or "missing"."""
        try:
            return sha256_of(self.path)
        except OSError:
            return "missing"


def columns_of(rows: Iterable[Row]) -> list[str]:
    """Return the columns of all manifests, each once, in their order: one may lack another's."""
    return list(dict.fromkeys(name for row in rows for name in row.columns))


def rows_from_folder(root: Path) -> list[Row]:
    """List ROOT/class/*.jpg, or ROOT/split/class/*.jpg, at any depth below the class.

    Raises:  DataError for a folder that is missing or empty, and for an empty class.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder", hint="--data wants a folder per class, or a CSV")
    folders = _folders(root)
    splits = [folder for folder in folders if folder.name.lower() in SPLIT_NAMES]
    others = len(folders) > len(splits)
    if not splits or (others and not any(_folders(folder) for folder in splits)):
        return _rows_of_classes(root, root, "")  # "train" beside "bus" and "car" is a class
    return [row for folder in splits for row in _rows_of_classes(root, folder, folder.name)]


def _rows_of_classes(root: Path, parent: Path, split: str) -> list[Row]:
    classes = _folders(parent)
    if not classes:
        raise DataError(
            f"{parent} holds no folder, expected one per class",
            hint="put the images into DIR/<class>/, or name a CSV manifest in data.manifests",
        )
    rows = []
    for folder in classes:
        _check_name(folder)
        files = sorted(p for p in folder.rglob("*") if _is_image(p.relative_to(folder)))
        if not files:
            raise DataError(f"class folder {folder} holds no image ({', '.join(sorted(SUFFIXES))})")
        for file in files:
            _check_name(file)
        rows += [
            Row(
                path=file,
                file=file.relative_to(root).as_posix(),
                label=folder.name,
                split=SPLIT_NAMES.get(split.lower(), ""),
            )
            for file in files
        ]
    return rows


def _is_image(path: Path) -> bool:
    """Tell images from what editors and other systems leave: ._1.jpg, .ipynb_checkpoints/1.jpg."""
    return path.suffix.lower() in SUFFIXES and not any(n.startswith(".") for n in path.parts)


def _check_name(path: Path) -> None:
    """Raise DataError for a name that no list or report could hold."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"the name of {os.fsencode(path)!r} is not UTF-8",
            hint="rename it; for many: convmv -r -f latin1 -t utf8 --notest DIR",
        ) from error


def _folders(parent: Path) -> list[Path]:
    return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))


def rows_from_manifest(manifest: Path) -> list[Row]:
    """Read file, label and, where they are given, split and any further column.

    Files are relative to the manifest's folder.

    Raises:  DataError for a manifest that is missing, empty, or lacks a column or a value.
    """
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            found = list(reader.fieldnames or ())
            missing = [name for name in MUST_HAVE if name not in found]
            if missing:
                raise DataError(
                    f"{manifest}: column {missing[0]!r} is missing, expected "
                    f"{', '.join(MUST_HAVE)}, received {', '.join(found) or 'an empty file'}"
                )
            rows = [_row(manifest, number, line) for number, line in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the manifest {manifest}: {error}") from error
    if not rows:
        raise DataError(f"{manifest} names no image")
    return rows


def _row(manifest: Path, number: int, line: Mapping[str | None, str | None]) -> Row:
    values = {key: (value or "").strip() for key, value in line.items() if key is not None}
    empty = [name for name in MUST_HAVE if not values[name]]
    split = values.pop("split", "").lower()
    if empty:
        raise DataError(f"{manifest}, line {number}: {empty[0]} is empty")
    if split and split not in SPLIT_NAMES:
        raise DataError(
            f"{manifest}, line {number}: split {split!r}, expected one of {', '.join(SPLITS)}"
        )
    file, label = values.pop("file"), values.pop("label")
    return Row(
        path=manifest.parent / file,
        file=file,
        label=label,
        split=SPLIT_NAMES.get(split, ""),
        columns=values,
    )
