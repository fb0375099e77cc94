"""Make the splits that a data set lacks: by group, in the classes' proportions, always the same."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from edgecls.errors import ImageError
from edgecls.lab.duplicates import clusters_of, fingerprint
from edgecls.lab.listing import Row
from edgecls.types import Pixels

log = logging.getLogger(__name__)


def groups_from_duplicates(rows: Sequence[Row], reader: Callable[[Row], Pixels]) -> list[Row]:
    """Put near-duplicates into groups; every image is decoded once. Unreadable ones stay alone."""
    log.info("looking for near-duplicates among %d images, so that splits share none", len(rows))
    prints, places = [], []
    for place, row in enumerate(rows):
        try:
            prints.append(fingerprint(reader(row)))
        except ImageError:
            continue
        places.append(place)
    grouped = list(rows)
    for members in clusters_of(prints):
        name = f"like {rows[places[members[0]]].file}"
        for member in members:
            grouped[places[member]] = replace(rows[places[member]], group=name)
    return grouped


def with_splits(rows: Sequence[Row], *, val_share: float, test_share: float) -> list[Row]:
    """Return the rows with a split each.

    Rows that say their split keep it, and the rest of their group follows. Where no row does,
    validation and test are drawn; where there is no validation split, it is drawn from the training
    images; a data set that comes with splits but without a test split gets none. A group is drawn
    whole. The draw depends on the groups' names only, so an image never changes sides when others
    are added to other groups.
    """
    given = {row.split for row in rows if row.split}
    sides = {row.group: row.split for row in rows if row.group and row.split}
    rows = [row if row.split else replace(row, split=sides.get(row.group, "")) for row in rows]
    if "val" in given:
        return [row if row.split else replace(row, split="train") for row in rows]
    free = [row for row in rows if row.split in ("", "train")]
    drawn = _drawn(free, val_share=val_share, test_share=0.0 if given else test_share)
    return [
        row if row.split not in ("", "train") else replace(row, split=drawn[_key(row)])
        for row in rows
    ]


def _key(row: Row) -> str:
    return f"group:{row.group}" if row.group else f"file:{row.file}"


def _drawn(rows: Sequence[Row], *, val_share: float, test_share: float) -> dict[str, str]:
    """Choose a split for every group: class by class, groups in the order of their hashes."""
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        members[_key(row)].append(row)
    by_label: dict[str, list[str]] = defaultdict(list)
    for key, group in members.items():
        by_label[Counter(row.label for row in group).most_common(1)[0][0]].append(key)
    splits = {}
    for keys in by_label.values():
        keys.sort(key=lambda key: hashlib.sha256(key.encode()).digest())
        total, taken = sum(len(members[key]) for key in keys), 0
        test = max(1, round(test_share * total)) if test_share else 0
        val = max(1, round(val_share * total))
        for key in keys:
            splits[key] = "test" if taken < test else "val" if taken < test + val else "train"
            taken += len(members[key])
    return splits
