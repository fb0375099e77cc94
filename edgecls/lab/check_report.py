"""Turn what `check` found into figures, and into sheets of pictures to look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgecls._lib.files import write_atomic
from edgecls.bundle.images import encode_jpeg, read_image
from edgecls.lab.check import NIGHT_LUMA, Checked, Pair, sample_of
from edgecls.lab.contact_sheet import contact_sheet

LISTED_MAX = 200
SHEET_IMAGES = 40
SHEET_PAIRS = 20


def json_of(checked: Checked) -> dict[str, Any]:  # Any: JSON
    """Return all figures; long lists are cut at LISTED_MAX, their lengths are exact."""
    source = checked.source_column()
    widths = np.array([look.width for look in checked.looked.values()] or [0])
    heights = np.array([look.height for look in checked.looked.values()] or [0])
    return {
        "images": len(checked.rows),
        "classes": {label: dict(c) for label, c in checked.counts("label").items()},
        "sources": None if source is None else {
            "column": source,
            "images": {value: dict(c) for value, c in checked.counts(source).items()},
            "of_one_class": [
                {"source": name, "label": label, "images": count}
                for name, label, count in checked.one_sided_sources()
            ],
        },
        "unreadable": {
            "count": len(checked.unreadable),
            "files": dict(list(checked.unreadable.items())[:LISTED_MAX]),
        },
        "leaks": {
            "near_duplicates_across_splits": len(checked.leaks),
            "pairs": [_names(pair) for pair in checked.leaks[:LISTED_MAX]],
            "groups_in_two_splits": dict(list(checked.group_leaks.items())[:LISTED_MAX]),
        },
        "near_duplicates": {
            "pairs": len(checked.pairs),
            "with_different_labels": len(checked.conflicts),
            "conflicts": [_names(pair) for pair in checked.conflicts[:LISTED_MAX]],
        },
        "size_px": {
            "width": [int(np.quantile(widths, q)) for q in (0, 0.5, 1)],
            "height": [int(np.quantile(heights, q)) for q in (0, 0.5, 1)],
        },
        "light": {
            "night_share": round(checked.night_share(), 4),
            "night_below_luma": NIGHT_LUMA,
            "grey_share": round(checked.grey_share(), 4),
        },
    }  # fmt: skip


def _names(pair: Pair) -> dict[str, str]:
    return {
        "first": pair.first.file,
        "second": pair.second.file,
        "splits": f"{pair.first.split or '-'}, {pair.second.split or '-'}",
        "labels": f"{pair.first.label}, {pair.second.label}",
    }


def write_sheets(checked: Checked, folder: Path) -> list[Path]:
    """Write a sheet per class, and one of leaking and of conflicting pairs where there are any."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for label in checked.counts("label"):
        images = sample_of(checked, label, SHEET_IMAGES)
        if images:
            sheet = contact_sheet(images, [label] * len(images))
            file = folder / f"class-{_word(label)}.jpg"
            if file in written:  # "a b" and "a/b" are one word
                file = file.with_stem(f"{file.stem}-{len(written) + 1}")
            written.append(_write(file, encode_jpeg(sheet)))
    for name, pairs in (("leaks", checked.leaks), ("conflicts", checked.conflicts)):
        if pairs:
            written.append(_write(folder / f"{name}.jpg", _pairs_sheet(pairs[:SHEET_PAIRS])))
    return written


def _pairs_sheet(pairs: Sequence[Pair]) -> bytes:
    rows = [row for pair in pairs for row in (pair.first, pair.second)]
    images = [read_image(row.path) for row in rows]
    joined = [
        np.hstack([_square(a), _square(b)]) for a, b in zip(images[::2], images[1::2], strict=True)
    ]
    captions = [
        f"{p.first.split or '-'} {p.first.label} / {p.second.split or '-'} {p.second.label}"
        for p in pairs
    ]
    return encode_jpeg(contact_sheet(joined, captions))


def _square(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(cv2.resize(image, (150, 150), interpolation=cv2.INTER_AREA))


def _word(label: str) -> str:
    """Return a label as part of a file's name."""
    return re.sub(r"[^\w]+", "-", label)


def _write(file: Path, data: bytes) -> Path:
    write_atomic(file, data)
    return file
