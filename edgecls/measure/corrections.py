"""What people said of visits, as labelled images: from the door back to training.

The folder holds person/ and no_person/ with JPEGs, and manifest.csv, which `edgecls train`,
`calibrate`, `evaluate` and `tune` read. All pictures of a visit are one group, so that hardly two
alike are ever trained and tested on.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecls._lib.files import write_atomic
from edgecls.errors import ConfigError
from edgecls.store.reader import StoreReader
from edgecls.types import Visit

PAGE = 500
LABELS: Mapping[str, str] = {"person": "person", "nobody": "no_person"}
"""The label of the shipped bundle for what a person says."""
COLUMNS = ("file", "label", "split", "group", "light", "camera", "taken_at", "peak_score")
SPLIT_SHARES = (("test", 0.15), ("val", 0.30))
"""A group's hash below the first share is tested on, else below the second one it validates."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. Args: counts: images by (label, split).   missing: pictures gone since."""

    folder: Path
    visits: int
    counts: Mapping[tuple[str, str], int]
    missing: int

    @property
    def images(self) -> int:
        return sum(self.counts.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "visits": self.visits,
            "images": self.images,
            "missing": self.missing,
            "counts": [
                {"label": label, "split": split, "images": count}
                for (label, split), count in sorted(self.counts.items())
            ],
        }


def all_visits(reader: StoreReader, *, only: str | None = None) -> list[Visit]:
    """Return every visit of a store, oldest first. Args: only: as `StoreReader.visits` has it."""
    return list(_newest_first(reader, only))[::-1]


def export(
    reader: StoreReader, folder: Path, *, labels: Mapping[str, str] = LABELS, frames: bool = True
) -> Exported:
    """Write the corrected visits' pictures and their manifest.

    A second export into the same folder replaces the manifest and adds what is new: a picture's
    name and its split depend on the visit alone.

    Args:    labels: the label for "person" and for "nobody".   frames: further pictures as well.
    Raises:  ConfigError when nothing is corrected, or the folder cannot be written.
             StoreError when the store cannot be read.
    """
    visits = all_visits(reader, only="corrected")
    if not visits:
        raise ConfigError(
            f"{reader.folder} holds no corrected visit, expected some",
            hint='say "nobody" or "a person" to visits on the page first',
        )
    splits = _splits(visits)
    rows: list[dict[str, str]] = []
    counts: dict[tuple[str, str], int] = {}
    missing = 0
    try:
        for label in labels.values():
            (folder / label).mkdir(parents=True, exist_ok=True)
        for visit in visits:
            names = [name for name in (visit.snapshot, *(visit.frames if frames else ())) if name]
            for name in names:
                jpeg = reader.snapshot(name)
                if jpeg is None:
                    missing += 1
                    continue
                row = _row(visit, name, labels, splits)
                write_atomic(folder / row["file"], jpeg)
                rows.append(row)
                key = (row["label"], row["split"])
                counts[key] = counts.get(key, 0) + 1
        write_atomic(folder / "manifest.csv", _csv(rows))
    except OSError as error:
        raise ConfigError(
            f"cannot write to {folder}: {error.strerror}", hint="choose another folder"
        ) from error
    return Exported(folder, len(visits), counts, missing)


def group_of(visit: Visit) -> str:
    """Return the name under which a visit's pictures stay together."""
    return f"{visit.camera}-{visit.started_at:%Y%m%dT%H%M%S}-{visit.id}"


def _splits(visits: Sequence[Visit]) -> dict[str, str]:
    """Return each group's split: its hash's, so that it stays where it is when others come.

    Where a label's few visits leave a split empty, one of its groups is moved there: without, a
    first training would be refused.
    """
    chosen: dict[str, str] = {}
    for correction in sorted({visit.correction or "" for visit in visits}):
        parts = {
            group_of(visit): _part(group_of(visit))
            for visit in visits
            if visit.correction == correction
        }
        mine = {
            group: next((split for split, limit in SPLIT_SHARES if part < limit), "train")
            for group, part in parts.items()
        }
        for split, _ in SPLIT_SHARES:
            training = sorted((g for g in mine if mine[g] == "train"), key=parts.__getitem__)
            if split not in mine.values() and len(training) > 1:
                mine[training[0]] = split
        chosen |= mine
    return chosen


def _part(group: str) -> float:
    """Return the group's place between 0 and 1, by its name alone."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64


def _row(
    visit: Visit, name: str, labels: Mapping[str, str], splits: Mapping[str, str]
) -> dict[str, str]:
    label = labels[visit.correction or "nobody"]
    group = group_of(visit)
    return {
        "file": f"{label}/{name}",
        "label": label,
        "split": splits[group],
        "group": group,
        "light": visit.light,
        "camera": visit.camera,
        "taken_at": visit.started_at.isoformat(),
        "peak_score": f"{visit.peak_score:.4f}",
    }


def _csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _newest_first(reader: StoreReader, only: str | None) -> Iterator[Visit]:
    before: int | None = None
    while True:
        page = reader.visits(limit=PAGE, before_id=before, only=only)
        yield from page
        if len(page) < PAGE:
            return
        before = page[-1].id
