"""Opening a store: one daemon at a time, older files are migrated, what is no store is refused."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edgecls.errors import StoreError
from edgecls.sections.store import StoreSection
from edgecls.store.database import FILE_NAME, Migration, migrations
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
NEWEST = migrations()[-1].number


@pytest.fixture
def section(tmp_path: Path) -> StoreSection:
    return StoreSection(folder=tmp_path / "data", free_bytes_min=0)


def test_a_second_daemon_is_refused_by_the_first_ones_pid(section: StoreSection) -> None:
    with Store(section):
        script = (
            "import sys; from pathlib import Path\n"
            "from edgecls.sections.store import StoreSection\n"
            "from edgecls.store.store import Store; from edgecls.errors import StoreError\n"
            "try:\n    Store(StoreSection(folder=Path(sys.argv[1]))).__enter__()\n"
            "except StoreError as error:\n    print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(section.folder)],
            capture_output=True, text=True, timeout=60, check=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
    assert done.stdout == (
        f"{section.folder} is in use by another edgecls daemon (pid {os.getpid()})\n"
    )
    with Store(section):  # and the folder is free again
        pass


def test_a_store_of_a_newer_edgecls_is_refused(section: StoreSection) -> None:
    with Store(section) as store:
        store.start_visit("door", at=NOON, score=0.8, jpeg=b"picture")
    with sqlite3.connect(section.folder / FILE_NAME) as database:
        database.execute("PRAGMA user_version = 77")
    database.close()
    with pytest.raises(
        StoreError, match=f"newer edgecls: it has schema 77, this one knows up to {NEWEST}"
    ):
        Store(section).__enter__()


def test_an_older_store_is_migrated_and_keeps_its_visits(section: StoreSection) -> None:
    with Store(section) as store:
        store.start_visit("door", at=NOON, score=0.8, jpeg=b"picture")
    added = Migration(NEWEST + 1, "9999_notes.sql", "ALTER TABLE visits ADD COLUMN note TEXT;")
    for _ in range(2):  # the second time it is there already
        with Store(section, schema=[*migrations(), added]), StoreReader(section.folder) as reader:
            assert [visit.id for visit in reader.visits(limit=9)] == [1]
    with sqlite3.connect(section.folder / FILE_NAME) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (NEWEST + 1,)
        assert database.execute("SELECT id, note FROM visits").fetchall() == [(1, None)]
    database.close()


def test_a_migration_that_fails_changes_nothing(section: StoreSection) -> None:
    with Store(section):
        pass
    script = "CREATE TABLE extra (x); SELECT no_such_thing;"
    broken = Migration(NEWEST + 1, "9999_broken.sql", script)
    message = rf"schema {NEWEST} to {NEWEST + 1} \(9999_broken.sql\): no such column"
    with pytest.raises(StoreError, match=message):
        Store(section, schema=[*migrations(), broken]).__enter__()
    with sqlite3.connect(section.folder / FILE_NAME) as database:
        tables = database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'")
        assert tables.fetchone() == (0,)
    database.close()
    with Store(section):  # the lock was given back, and the old schema still opens
        pass


def _noise(path: Path) -> None:
    path.write_bytes(b"this is no database, whatever its name says" * 50)


def _other_program(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")
    database.close()


def _flipped_page(path: Path) -> None:
    with Store(StoreSection(folder=path.parent)) as store:
        for _ in range(40):
            store.start_visit("door", at=NOON, score=0.8, jpeg=b"picture")
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xa5" * 4096
    path.write_bytes(data)


def _torn_schema(path: Path) -> None:
    with Store(StoreSection(folder=path.parent)):
        pass
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xa5" * 3996  # the header stays, the page with the tables' names is gone
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "message", "hint"),
    [
        (_noise, "is damaged or not a database: file is not a database", "mv "),
        (_other_program, "is a database of another program", "--store FOLDER"),
        (_flipped_page, r"is damaged or not a database: (Tree|Page|On|page) ?[^*]*$", "mv "),
        (_torn_schema, "is damaged or not a database: database disk image is malformed", "mv "),
    ],
)
def test_a_file_that_is_no_store_is_refused(
    section: StoreSection, spoil: Callable[[Path], None], message: str, hint: str
) -> None:
    section.folder.mkdir()
    spoil(section.folder / FILE_NAME)
    with pytest.raises(StoreError, match=message) as caught:
        Store(section).__enter__()
    assert hint in str(caught.value.hint)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(StoreError) as caught:
            Store(StoreSection(folder=folder)).__enter__()
        assert str(caught.value) == (
            f"cannot use {folder} as a store: part of its path is a file, expected folders only"
        )
        assert caught.value.hint == "choose a folder you can write to: --store FOLDER"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_a_folder_where_none_can_be_made_is_told_in_words() -> None:
    with pytest.raises(StoreError, match="cannot use /proc/foo as a store: ") as e:
        Store(StoreSection(folder=Path("/proc/foo"))).__enter__()
    assert "Errno" not in str(e.value)
    assert "--store FOLDER" in str(e.value.hint)


def test_a_broken_page_met_while_reading_comes_with_a_hint(section: StoreSection) -> None:
    section.folder.mkdir()
    _flipped_page(section.folder / FILE_NAME)
    with StoreReader(section.folder) as reader, pytest.raises(StoreError) as caught:
        reader.visits(limit=99)
    assert "malformed" in str(caught.value)
    assert "move edgecls.sqlite3 aside" in str(caught.value.hint)


def test_reading_where_there_is_no_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store at"):
        StoreReader(tmp_path).__enter__()
