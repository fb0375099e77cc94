"""The images to measure on: a folder per label, or a CSV manifest whose columns make slices."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgecls.bundle.images import SUFFIXES
from edgecls.errors import ConfigError

REQUIRED = ("file", "label")


@dataclass(frozen=True, slots=True)
class Sample:
    """One image and what it shows.

    Args:    label: one of the bundle's.   facts: further columns of the manifest, as written.
    """

    path: Path
    label: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images with labels, in a fixed order.

    Args:    name: what a person calls it, "person/manifest.csv, split test".
             skipped: images left out by their label, counted.
    """

    name: str
    samples: tuple[Sample, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the further columns."""
        return tuple(self.samples[0].facts) if self.samples else ()


def load_dataset(
    source: Path,
    labels: Sequence[str],
    *,
    split: str | None = None,
    skip_labels: Sequence[str] = (),
    limit: int | None = None,
) -> Dataset:
    """List the images of a folder with one folder per label, or of a CSV manifest.

    Args:    source: DATA/label/*.jpg, or DATA/split/label/*.jpg, or a CSV with the columns file
             (relative to the CSV), label and, for `split`, split.
             labels: the bundle's.   limit: keep about so many, the same share of each label.
    Raises:  ConfigError for a label that the bundle lacks, a missing column, a split or a label
             without a single image.
    """
    if source.is_dir():
        found, name = _from_folders(source, split), source.name
    elif source.is_file():
        found, name = _from_csv(source, split), f"{source.parent.name}/{source.name}"
    else:
        raise ConfigError(
            f"{source} does not exist, expected a folder with a folder per label, or a CSV file"
        )
    kept = [sample for sample in found if sample.label not in skip_labels]
    skipped = Counter(sample.label for sample in found if sample.label in skip_labels)
    if not kept:
        raise ConfigError(f"{source}: no image to measure on{_of_split(split)}")
    _check_labels(source, kept, labels)
    name += f", split {split}" if split else ""
    if limit and limit < len(kept):
        fewer = thinned(kept, limit)
        kept, name = fewer, f"{name}, {len(fewer)} of {len(kept)} images"
    return Dataset(name, tuple(kept), dict(skipped))


def _of_split(split: str | None) -> str:
    return f" in split {split!r}" if split else ""


def _check_labels(source: Path, samples: Sequence[Sample], labels: Sequence[str]) -> None:
    unknown = Counter(sample.label for sample in samples if sample.label not in labels)
    if unknown:
        told = ", ".join(f"{label!r} ({count} images)" for label, count in unknown.most_common(5))
        splits = sorted(name for name in unknown if _holds_labels(source / name, labels))
        hint = f"leave those images out with: --skip-label {next(iter(unknown))}"
        if splits:
            hint = f"those folders are splits: choose one with --split {' or '.join(splits)}"
        raise ConfigError(
            f"{source}: the bundle has no label {told}; it has {', '.join(labels)}", hint=hint
        )


def _holds_labels(folder: Path, labels: Sequence[str]) -> bool:
    return any((folder / label).is_dir() for label in labels)


def _from_csv(path: Path, split: str | None) -> list[Sample]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark first
            rows = csv.DictReader(file)
            columns = list(rows.fieldnames or ())
            needed = [*REQUIRED, *(["split"] if split else [])]
            missing = [column for column in needed if column not in columns]
            if missing:
                raise ConfigError(
                    f"{path} lacks the column {missing[0]!r}, it has {', '.join(columns) or 'none'}"
                )
            return list(_samples(path, rows, split))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot read {path} as CSV: {error}") from error


def _samples(path: Path, rows: csv.DictReader[str], split: str | None) -> list[Sample]:
    samples, splits = [], Counter[str]()
    for row in rows:
        if not row["file"] or not row["label"]:
            raise ConfigError(f"{path}, line {rows.line_num}: file or label is empty")
        splits[row.get("split") or ""] += 1
        if split and row["split"] != split:
            continue
        facts = {
            key: value or ""
            for key, value in row.items()
            if key and key not in (*REQUIRED, "split")
        }
        samples.append(Sample(path.parent / row["file"], row["label"], facts))
    if split and not samples:
        told = ", ".join(f"{name} ({count})" for name, count in splits.most_common())
        raise ConfigError(f"{path} has no image in split {split!r}, it has {told or 'no row'}")
    return samples


def _from_folders(source: Path, split: str | None) -> list[Sample]:
    top = source / split if split else source
    if not top.is_dir():
        raise ConfigError(
            f"{source} has no folder {split!r}, expected {source}/{split}/LABEL/image.jpg"
        )
    folders = sorted(p for p in top.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not folders:
        raise ConfigError(
            f"{top} has no folder per label, expected {top}/LABEL/image.jpg",
            hint="or give a CSV file with the columns file and label",
        )
    return [
        Sample(path, folder.name)
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    ]


def thinned(samples: Sequence[Sample], limit: int) -> list[Sample]:
    """Keep about `limit` samples, evenly spaced inside each label, each label by its share."""
    if limit >= len(samples):
        return list(samples)
    by_label: dict[str, list[int]] = {}
    for index, sample in enumerate(samples):
        by_label.setdefault(sample.label, []).append(index)
    kept: list[int] = []
    for places in by_label.values():
        wanted = max(1, round(limit * len(places) / len(samples)))
        kept += [places[step * len(places) // wanted] for step in range(wanted)]
    return [samples[index] for index in sorted(kept)]
