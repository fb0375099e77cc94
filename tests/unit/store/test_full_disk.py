"""A full disk: an error that leaves nothing behind and passes when there is room again."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edgecls.errors import StoreError
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.fixture
def section(tmp_path: Path) -> StoreSection:
    return StoreSection(folder=tmp_path / "data", free_bytes_min=0)


class FullDisk:
    """A disk that is full until `free` is set, at the step it is told."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.free = False
        self.refused = 0

    def __call__(self, step: str) -> None:
        if step == self.step and not self.free:
            self.refused += 1
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["fsync the file", "insert the visit", "commit the start"])
def test_a_full_disk_is_an_error_that_leaves_nothing_and_passes(
    section: StoreSection, step: str
) -> None:
    disk = FullDisk(step)
    with Store(section, step=disk) as store, StoreReader(section.folder) as reader:
        with pytest.raises(StoreError, match="No space left on device") as caught:
            store.start_visit("door", at=NOON, score=0.8, jpeg=b"picture")
        assert "free some space" in str(caught.value.hint)
        assert reader.visits(limit=9) == []
        assert list((section.folder / "snapshots").iterdir()) == []
        disk.free = True
        assert store.start_visit("door", at=NOON, score=0.8, jpeg=b"picture").id == 1


def test_a_full_disk_costs_old_snapshots_before_new_visits(tmp_path: Path) -> None:
    disk = FullDisk("insert the visit")
    disk.free = True

    def after_one_refusal(step: str) -> None:
        disk.free = disk.free or disk.refused > 0
        disk(step)

    more_than_there_is = shutil.disk_usage(tmp_path).free * 2
    section = StoreSection(folder=tmp_path, free_bytes_min=more_than_there_is)
    with Store(section, step=after_one_refusal) as store, StoreReader(tmp_path) as reader:
        first = store.start_visit("door", at=NOON, score=0.9, jpeg=b"first")
        store.end_visit(first.id, at=NOON, score=0.9, jpeg=None)
        disk.free = False
        assert store.start_visit("door", at=NOON, score=0.9, jpeg=b"second").id == 2
        assert disk.refused == 1
        assert [visit.snapshot is None for visit in reader.visits(limit=9)] == [False, True]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 4 MB, where this user may."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root and the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_really_full_disk(small_disk: Path) -> None:
    section = StoreSection(folder=small_disk / "data", free_bytes_min=0)
    filler = small_disk / "filler"
    with Store(section) as store, StoreReader(section.folder) as reader:
        first = store.start_visit("door", at=NOON, score=0.9, jpeg=bytes(50_000))
        filler.write_bytes(bytes(shutil.disk_usage(small_disk).free))
        with pytest.raises(StoreError, match="No space left on device"):
            store.start_visit("door", at=NOON, score=0.9, jpeg=bytes(50_000))
        assert reader.visits(limit=9) == [first]
        filler.unlink()
        assert store.start_visit("door", at=NOON, score=0.9, jpeg=bytes(50_000)).id == 2


def test_far_more_than_fits_is_stored_and_the_oldest_pictures_make_room(small_disk: Path) -> None:
    section = StoreSection(folder=small_disk / "data", free_bytes_min=0)
    with Store(section) as store, StoreReader(section.folder) as reader:
        kept = _visit(store)
        store.keep(kept, True)
        numbers = [_visit(store) for _ in range(200)]  # over twice what the disk holds
        visits = {visit.id: visit for visit in reader.visits(limit=999)}
        assert sorted(visits) == [kept, *numbers]
        assert visits[kept].snapshot is not None
        assert visits[numbers[-1]].snapshot is not None
        assert visits[numbers[0]].snapshot is None
        shown = [visit for visit in visits.values() if visit.snapshot]
        assert all(len(reader.snapshot(str(visit.snapshot)) or b"") == 50_000 for visit in shown)


def test_a_disk_that_others_fill_to_the_last_byte_is_survived(small_disk: Path) -> None:
    section = StoreSection(folder=small_disk / "data", free_bytes_min=0)
    stored: list[int] = []
    hints: set[str | None] = set()
    with Store(section) as store, StoreReader(section.folder) as reader:
        for number in range(40):
            with (small_disk / "filler").open("ab", buffering=0) as filler:
                filler.write(bytes(shutil.disk_usage(small_disk).free))  # whatever was freed
            try:
                stored.append(_visit(store))
            except StoreError as error:
                hints.add(error.hint)
            if number < 30:
                store.sweep(now=NOON)  # must not fail on a full disk either
        assert hints == {"free some space on the disk, or lower store.bytes_max"}
        assert {visit.id for visit in reader.visits(limit=999)} >= set(stored)
    with contextlib.suppress(StoreError), Store(section):  # a start on a full disk: works or tells
        pass
    (small_disk / "filler").unlink()
    with Store(section) as store, StoreReader(section.folder) as reader:
        last = _visit(store)
        for visit in reader.visits(limit=999):
            assert visit.ended_at is not None
            if visit.snapshot is not None:
                assert len(reader.snapshot(visit.snapshot) or b"") == 50_000
        newest = reader.visit(last)
        assert newest is not None
        assert newest.snapshot is not None


def _visit(store: Store) -> int:
    visit = store.start_visit("door", at=NOON, score=0.9, jpeg=bytes(50_000))
    store.end_visit(visit.id, at=NOON, score=0.9, jpeg=None)
    return visit.id
