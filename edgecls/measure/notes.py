"""Notes of what happens in clips: a CSV with the columns file and person_intervals_s.

    file,person_intervals_s
    arrives.mp4,"[[6.5, 19.0], [23.0, 44.5]]"
    empty.mp4,[]

Each interval is [begin, end] in seconds of the clip during which somebody is there. Files are
relative to the CSV's folder or a folder above it. Further columns are not looked at.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from edgecls.errors import ConfigError
from edgecls.measure.visits import Span

FILE, INTERVALS = "file", "person_intervals_s"


@dataclass(frozen=True, slots=True)
class ClipNote:
    """Args: file: as the notes name it.   known: when somebody is there, in order, apart."""

    file: PurePosixPath
    known: tuple[Span, ...]


def read_notes(path: Path) -> tuple[ClipNote, ...]:
    """Read a notes file.

    Raises:  ConfigError naming the line: a missing column, or something that is no intervals.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            columns = list(rows.fieldnames or ())
            for name in (FILE, INTERVALS):
                if name not in columns:
                    raise ConfigError(
                        f"{path} lacks the column {name!r}, it has {', '.join(columns) or 'none'}",
                        hint="notes are a CSV with the columns file and person_intervals_s",
                    )
            return tuple(_note(row, f"{path}, line {rows.line_num}") for row in rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot read {path} as CSV: {error}") from error


def note_for(clip: Path, notes: Sequence[ClipNote]) -> ClipNote | None:
    """Return the note whose file is the end of the clip's path, the longest such; else None.

    Where no path fits, a file name that is noted once does.
    """
    parts = clip.absolute().parts
    fitting = [note for note in notes if parts[-len(note.file.parts) :] == note.file.parts]
    if fitting:
        return max(fitting, key=lambda note: len(note.file.parts))
    named = [note for note in notes if note.file.name == clip.name]
    return named[0] if len(named) == 1 else None


def _note(row: dict[str, str], place: str) -> ClipNote:
    if not row[FILE]:
        raise ConfigError(f"{place}: file is empty")
    text = row[INTERVALS] or "[]"
    try:
        pairs = [(float(begin), float(end)) for begin, end in json.loads(text)]
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{place}: {INTERVALS} is {text[:40]!r}, expected [[begin, end], ...] in seconds"
        ) from error
    spans = [Span(begin, end) for begin, end in sorted(pairs)]
    ordered = all(0 <= s.begin_s < s.end_s < math.inf for s in spans)
    apart = all(first.end_s <= then.begin_s for first, then in pairwise(spans))
    if not ordered or not apart:
        raise ConfigError(
            f"{place}: {INTERVALS} is {text[:40]!r}, expected intervals that begin before they end "
            "and do not overlap"
        )
    return ClipNote(PurePosixPath(row[FILE]), tuple(spans))
