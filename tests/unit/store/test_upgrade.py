"""A store that an older edgecls wrote: opened, brought up to date, and nothing of it lost."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edgecls.sections.store import StoreSection
from edgecls.store.database import FILE_NAME, migrations
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.types import Event, Visit

STORED = Path(__file__).resolve().parents[2] / "golden" / "stores"
NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
PICTURE = "20261120T120100000Z-00000002.jpg"


@pytest.fixture
def section(tmp_path: Path) -> StoreSection:
    """Return a folder with the database of schema 1: two visits, and a third that was deleted."""
    shutil.copy(STORED / "schema-1.sqlite3", tmp_path / FILE_NAME)
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / PICTURE).write_bytes(b"picture")
    return StoreSection(folder=tmp_path, free_bytes_min=0)


def test_visits_and_events_of_schema_1_are_kept(section: StoreSection) -> None:
    minute, stay = timedelta(minutes=1), timedelta(seconds=9)
    with Store(section), StoreReader(section.folder) as reader:
        assert reader.visits(limit=9) == [
            Visit(2, "door", NOON + minute, NOON + minute + stay, 0.97, PICTURE),
            Visit(1, "door", NOON, NOON + stay, 0.97, None),
        ]
        assert list(reader.events()) == [
            Event(1, "visit_started", "door", NOON, 1, 0.8, None),
            Event(2, "visit_ended", "door", NOON + stay, 1, 0.97, None),
            Event(3, "visit_started", "door", NOON + minute, 2, 0.8, PICTURE),
            Event(4, "visit_ended", "door", NOON + minute + stay, 2, 0.97, PICTURE),
        ]
        assert reader.snapshot(PICTURE) == b"picture"


def test_ids_go_on_where_schema_1_was(section: StoreSection) -> None:
    """Visit 3 and its events 5 and 6 were deleted: their ids are never used again."""
    with Store(section, sinks=("mqtt",)) as store, StoreReader(section.folder) as reader:
        assert store.start_visit("door", at=NOON, score=0.8, jpeg=b"picture").id == 4
        assert store.add_event("pressed", camera="door", at=NOON, somebody=None).id == 8
        assert [state.waiting for state in reader.outbox_state()] == [2]


def test_it_is_brought_to_the_newest_schema_once(section: StoreSection) -> None:
    for _ in range(2):
        with Store(section):
            pass
        database = sqlite3.connect(section.folder / FILE_NAME)
        assert database.execute("PRAGMA user_version").fetchone() == (migrations()[-1].number,)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        database.close()
