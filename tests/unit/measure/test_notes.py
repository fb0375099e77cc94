"""Notes of clips: read with every fault named by its line, and found for a clip by its path."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls.errors import ConfigError
from edgecls.measure.notes import note_for, read_notes
from edgecls.measure.visits import Span


def notes_file(folder: Path, *rows: str, header: str = "file,licence,person_intervals_s") -> Path:
    path = folder / "notes.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_intervals_are_read_in_order_and_other_columns_left(tmp_path: Path) -> None:
    notes = read_notes(
        notes_file(tmp_path, 'a.mp4,MIT,"[[9, 12.5], [1, 3]]"', "b.mp4,MIT,[]", "c.mp4,MIT,")
    )
    assert [note.known for note in notes] == [(Span(1, 3), Span(9, 12.5)), (), ()]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a.mp4,,nonsense", "line 2: person_intervals_s is 'nonsense'"),
        ('a.mp4,,"[[1, 2, 3]]"', "expected [[begin, end], ...]"),
        ('a.mp4,,"[[5, 2]]"', "begin before they end"),
        ('a.mp4,,"[[1, 5], [4, 6]]"', "do not overlap"),
        ('a.mp4,,"[[0, 1e999]]"', "begin before they end"),
        (",,[]", "line 2: file is empty"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, row: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"notes\.csv") as caught:
        read_notes(notes_file(tmp_path, row))
    assert told in str(caught.value)


def test_a_missing_column_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lacks the column 'person_intervals_s'"):
        read_notes(notes_file(tmp_path, "a.mp4", header="file"))
    with pytest.raises(ConfigError, match="cannot read"):
        read_notes(tmp_path / "none.csv")


def test_a_clip_is_found_by_the_end_of_its_path(tmp_path: Path) -> None:
    notes = read_notes(
        notes_file(tmp_path, "video/a.mp4,,[]", 'day/a.mp4,,"[[1, 2]]"', "b.mp4,,[]")
    )
    for clip, expected in [
        ("/data/video/a.mp4", "video/a.mp4"),
        ("/data/day/a.mp4", "day/a.mp4"),
        ("/elsewhere/b.mp4", "b.mp4"),
        ("/elsewhere/a.mp4", None),  # two are called so
        ("/data/video/c.mp4", None),
    ]:
        note = note_for(Path(clip), notes)
        assert (note and str(note.file)) == expected
