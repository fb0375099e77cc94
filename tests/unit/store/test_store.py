"""The store: what is told is read back, and budgets are kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edgecls.errors import StoreError
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.retention import Swept
from edgecls.store.store import Store
from edgecls.types import Visit

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=timezone.utc)
JPEG = b"\xff\xd8 a picture \xff\xd9"


@pytest.fixture
def section(tmp_path: Path) -> StoreSection:
    return StoreSection(folder=tmp_path / "data", free_bytes_min=0)


class Clock:
    """Monotonic seconds that a test turns."""

    seconds = 500.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(section: StoreSection, clock: Clock) -> Iterator[Store]:
    with Store(section, clock=clock) as opened:
        yield opened


@pytest.fixture
def reader(store: Store, section: StoreSection) -> Iterator[StoreReader]:
    with StoreReader(section.folder) as opened:
        yield opened


def stored_visit(store: Store, *, at: datetime = NOON, jpeg: bytes = JPEG) -> Visit:
    visit = store.start_visit("door", at=at, score=0.8, jpeg=jpeg)
    return store.end_visit(visit.id, at=at + timedelta(seconds=9), score=0.97, jpeg=None)


def swept_an_hour_later(store: Store, clock: Clock, now: datetime) -> Swept:
    """Sweep twice, the second time at `now`, and return what that one deleted."""
    store.sweep(now=now - timedelta(hours=1))
    clock.seconds += 3600
    return store.sweep(now=now)


def test_a_visit_is_read_back_as_it_was_told(store: Store, reader: StoreReader) -> None:
    begun = store.start_visit("door", at=NOON, score=0.8, jpeg=JPEG)
    assert reader.visits(limit=5) == [begun]
    assert begun == Visit(1, "door", NOON, None, 0.8, begun.snapshot)
    assert begun.snapshot is not None
    assert reader.snapshot(begun.snapshot) == JPEG
    ended = store.end_visit(1, at=NOON + timedelta(seconds=9), score=0.97, jpeg=None)
    assert ended == Visit(1, "door", NOON, NOON + timedelta(seconds=9), 0.97, begun.snapshot)
    assert reader.visit(1) == ended
    kinds = [(event.id, event.kind, event.visit_id, event.score) for event in reader.events()]
    assert kinds == [(1, "visit_started", 1, 0.8), (2, "visit_ended", 1, 0.97)]
    assert [event.at for event in reader.events()] == [NOON, NOON + timedelta(seconds=9)]


def test_a_better_snapshot_replaces_the_first(store: Store, reader: StoreReader) -> None:
    begun = store.start_visit("door", at=NOON, score=0.8, jpeg=JPEG)
    ended = store.end_visit(begun.id, at=NOON, score=0.9, jpeg=b"better")
    assert begun.snapshot is not None
    assert ended.snapshot is not None
    assert reader.snapshot(ended.snapshot) == b"better"
    assert reader.snapshot(begun.snapshot) is None
    assert [event.snapshot for event in reader.events()] == [ended.snapshot] * 2


def test_newest_first_and_paged(store: Store, reader: StoreReader) -> None:
    for minute in range(5):
        stored_visit(store, at=NOON + timedelta(minutes=minute))
    assert [visit.id for visit in reader.visits(limit=2)] == [5, 4]
    assert [visit.id for visit in reader.visits(limit=9, before_id=4)] == [3, 2, 1]
    assert [event.id for event in reader.events(after_id=7, limit=2)] == [8, 9]
    assert reader.visit(77) is None


def test_an_end_before_the_begin_is_the_begin(store: Store) -> None:
    visit = store.start_visit("door", at=NOON, score=0.8, jpeg=JPEG)
    ended = store.end_visit(visit.id, at=NOON - timedelta(days=900), score=0.8, jpeg=None)
    assert ended.ended_at == NOON


def test_ending_twice_or_what_never_began_is_an_error(store: Store) -> None:
    visit = stored_visit(store)
    with pytest.raises(StoreError, match="has ended already"):
        store.end_visit(visit.id, at=NOON, score=0.8, jpeg=None)
    with pytest.raises(StoreError, match="no visit 99"):
        store.end_visit(99, at=NOON, score=0.8, jpeg=None)


def test_ids_are_never_used_again(section: StoreSection, clock: Clock) -> None:
    with Store(section, clock=clock) as store:
        stored_visit(store)
        assert swept_an_hour_later(store, clock, NOON + timedelta(days=31)).visits == 1
    with Store(section) as store:
        assert stored_visit(store).id == 2


def test_a_visit_left_open_is_ended_as_interrupted(section: StoreSection) -> None:
    with Store(section) as store:
        store.start_visit("door", at=NOON, score=0.8, jpeg=JPEG)
    with Store(section), StoreReader(section.folder) as reader:
        visit = reader.visit(1)
        assert visit is not None
        assert visit.interrupted
        assert visit.ended_at == NOON
        assert [event.kind for event in reader.events()] == ["visit_started", "visit_ended"]


def test_what_a_broken_write_left_is_removed(section: StoreSection) -> None:
    with Store(section) as store:
        kept = stored_visit(store)
    folder = section.folder / "snapshots"
    (folder / "20260101T000000000Z-00000000.jpg").write_bytes(b"orphan")
    (folder / ".20260101T000000000Z-00000000.jpg.x1.tmp").write_bytes(b"half")
    (folder / "notes.txt").write_text("of the user's")
    with Store(section):
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            [str(kept.snapshot), "notes.txt"]
        )


@pytest.mark.parametrize(
    "name", ["../edgecls.sqlite3", "/etc/passwd", "", "x.jpg", "20260101T000000000Z-00000000.jpg"]
)
def test_a_name_that_is_no_snapshot_gives_nothing(reader: StoreReader, name: str) -> None:
    assert reader.snapshot(name) is None


def test_old_visits_go_with_their_snapshots(
    store: Store, reader: StoreReader, clock: Clock
) -> None:
    old = stored_visit(store, at=NOON - timedelta(days=31))
    new = stored_visit(store)
    assert swept_an_hour_later(store, clock, NOON).visits == 1
    assert reader.visits(limit=9) == [new]
    assert reader.snapshot(str(old.snapshot)) is None
    assert {event.visit_id for event in reader.events()} == {new.id}


def test_a_clock_that_jumps_years_ahead_and_back_deletes_nothing(
    store: Store, reader: StoreReader, clock: Clock
) -> None:
    visit = stored_visit(store)
    in_2037 = NOON + timedelta(days=365 * 11)
    store.sweep(now=in_2037)  # it woke like this
    clock.seconds += 600
    store.sweep(now=in_2037 + timedelta(seconds=600))
    clock.seconds += 3600
    store.sweep(now=NOON)  # the network has put it right
    clock.seconds += 3600
    store.sweep(now=in_2037)  # and an hour of trust later it jumps again
    assert reader.visits(limit=9) == [visit]


def test_a_jump_of_the_clock_holds_up_no_budget_of_bytes(tmp_path: Path) -> None:
    section = StoreSection(folder=tmp_path, bytes_max=1_000_000, free_bytes_min=0)
    with Store(section, clock=lambda: 0.0) as store:
        stored_visit(store, jpeg=bytes(1_500_000))
        assert store.sweep(now=NOON + timedelta(days=365 * 11)).snapshots == 1


def test_no_limit_of_days_is_too_large(tmp_path: Path, clock: Clock) -> None:
    section = StoreSection.model_construct(
        folder=tmp_path, days_max=10**12, bytes_max=10**9, free_bytes_min=0
    )
    with Store(section, clock=clock) as store:
        stored_visit(store, at=NOON - timedelta(days=9999))
        assert swept_an_hour_later(store, clock, NOON).visits == 0


def test_too_many_bytes_cost_the_oldest_snapshots_only(tmp_path: Path) -> None:
    section = StoreSection(folder=tmp_path, bytes_max=1_000_000, free_bytes_min=0)
    with Store(section) as store, StoreReader(tmp_path) as reader:
        visits = [stored_visit(store, jpeg=bytes(400_000)) for _ in range(4)]
        assert store.sweep(now=NOON).snapshots == 2
        kept = [visit.snapshot for visit in reader.visits(limit=9)]
        assert kept == [visits[3].snapshot, visits[2].snapshot, None, None]
        assert len(list((tmp_path / "snapshots").iterdir())) == 2
        database_bytes = sum(path.stat().st_size for path in tmp_path.glob("edgecls.sqlite3*"))
        assert reader.bytes_used() == 800_000 + database_bytes


def test_an_open_visit_keeps_its_snapshot(tmp_path: Path) -> None:
    section = StoreSection(folder=tmp_path, bytes_max=1_000_000, free_bytes_min=0)
    with Store(section) as store:
        store.start_visit("door", at=NOON, score=0.8, jpeg=bytes(1_500_000))
        assert store.sweep(now=NOON + timedelta(days=99)).snapshots == 0


def test_little_free_space_costs_snapshots(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    section = StoreSection(folder=tmp_path, free_bytes_min=free * 2)
    with Store(section) as store:
        stored_visit(store)
        assert store.sweep(now=NOON).snapshots == 1


def test_pictures_are_for_the_owner_alone(section: StoreSection) -> None:
    with Store(section):
        folder = section.folder / "snapshots"
        assert folder.stat().st_mode & 0o077 == 0
