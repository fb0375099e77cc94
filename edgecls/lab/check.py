"""Look a data set over before training on it: what is in it, and what would fool a measurement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edgecls.bundle.images import read_image
from edgecls.errors import ConfigError, ImageError
from edgecls.lab.data import DataError
from edgecls.lab.duplicates import Fingerprint, fingerprint, near_pairs
from edgecls.lab.listing import Row, columns_of, rows_from_folder, rows_from_manifest
from edgecls.types import Pixels

SOURCE_COLUMNS = ("source", "source_repo", "family", "camera")
MANIFEST = "manifest.csv"
GROUP = "group"
THREADS = 2
NIGHT_LUMA = 50
"""Mean brightness, 0 to 255, below which a picture counts as taken at night."""
GREY_SATURATION = 8
"""Mean saturation, 0 to 255, below which a picture counts as grey (infra-red)."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What one picture shows at a glance."""

    print: Fingerprint
    width: int
    height: int
    luma: float
    saturation: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two near-duplicates."""

    first: Row
    second: Row

    @property
    def leaks(self) -> bool:
        """Tell whether they lie in different splits."""
        splits = {self.first.split, self.second.split}
        return len(splits) == 2 and "" not in splits

    @property
    def conflicts(self) -> bool:
        """Tell whether they have different labels."""
        return self.first.label != self.second.label


@dataclass(frozen=True, eq=False)
class Checked:
    """Everything that was found.

    Args:    looked: by place in `rows`; the unreadable ones are missing.
             unreadable: file name -> what is wrong with it.
             group_leaks: group -> the splits it is in.
    """

    rows: Sequence[Row]
    looked: Mapping[int, Looked]
    unreadable: Mapping[str, str]
    pairs: Sequence[Pair]
    group_leaks: Mapping[str, Sequence[str]]

    @property
    def leaks(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.leaks]

    @property
    def conflicts(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.conflicts]

    def counts(self, column: str) -> dict[str, Counter[str]]:
        """Return images by a column's value, and by split within."""
        result: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.rows:
            result[row.column(column)][row.split or "unsplit"] += 1
        return dict(sorted(result.items()))

    def source_column(self) -> str | None:
        """Return the column that tells where images come from, where there is one."""
        names = columns_of(self.rows)
        return next((name for name in SOURCE_COLUMNS if name in names), None)

    def one_sided_sources(self) -> list[tuple[str, str, int]]:
        """Return the sources that have images of one class only: (source, label, images).

        A network can learn such a source instead of the class.
        """
        column = self.source_column()
        if column is None:
            return []
        labels: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.rows:
            labels[row.column(column)][row.label] += 1
        return sorted(
            ((source, next(iter(c)), c.total()) for source, c in labels.items() if len(c) == 1),
            key=lambda found: -found[2],
        )

    def night_share(self) -> float:
        return _share(look.luma < NIGHT_LUMA for look in self.looked.values())

    def grey_share(self) -> float:
        return _share(look.saturation < GREY_SATURATION for look in self.looked.values())


def rows_at(path: Path) -> list[Row]:
    """List a CSV manifest, a folder with a manifest.csv, or a folder per class."""
    if path.is_dir():
        manifest = path / MANIFEST
        return rows_from_manifest(manifest) if manifest.exists() else rows_from_folder(path)
    if not path.exists():
        raise DataError(f"{path} does not exist", hint="give a folder per class, or a CSV manifest")
    return rows_from_manifest(path)


def check(
    rows: Sequence[Row],
    *,
    group: str = GROUP,
    tell: Callable[[int], object] | None = None,
) -> Checked:
    """Read every image once and compare them all.

    Args:    group: the manifest's column of groups.   tell: called with the number of images done.
    Raises:  ConfigError for a column of groups that was asked for by name and is not there.
    """
    columns = columns_of(rows)
    if group != GROUP and group not in columns:
        raise ConfigError(
            f"--group {group}: the data has no such column",
            hint=f"columns: {', '.join(columns) or 'none'}",
        )
    looked: dict[int, Looked] = {}
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        for place, found in enumerate(pool.map(_look, rows)):
            if isinstance(found, Looked):
                looked[place] = found
            else:
                unreadable[rows[place].file] = found
            if tell is not None:
                tell(place + 1)
    places = list(looked)
    pairs = [
        Pair(rows[places[i]], rows[places[j]])
        for i, j in near_pairs([looked[place].print for place in places])
    ]
    return Checked(rows, looked, unreadable, pairs, _group_leaks(rows, group))


def _look(row: Row) -> Looked | str:
    try:
        pixels = read_image(row.path)
    except ImageError as error:
        return error.message
    small = cv2.resize(pixels, (64, 64), interpolation=cv2.INTER_AREA)
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    return Looked(
        print=fingerprint(pixels),
        width=pixels.shape[1],
        height=pixels.shape[0],
        luma=float(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).mean()),
        saturation=float(hsv[:, :, 1].mean()),
    )


def _group_leaks(rows: Sequence[Row], column: str) -> dict[str, list[str]]:
    splits: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        group = row.columns.get(column, "")
        if group and row.split:
            splits[group].add(row.split)
    return {group: sorted(names) for group, names in splits.items() if len(names) > 1}


def _share(flags: Iterable[bool]) -> float:
    values = list(flags)
    return sum(values) / len(values) if values else 0.0


def sample_of(checked: Checked, label: str, count: int, *, seed: int = 0) -> list[Pixels]:
    """Return some readable images of a class, spread evenly over its list."""
    places = [p for p in checked.looked if checked.rows[p].label == label]
    rng = np.random.default_rng(seed)
    chosen = sorted(rng.permutation(len(places))[:count])
    return [read_image(checked.rows[places[int(i)]].path) for i in chosen]
