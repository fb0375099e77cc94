"""What goes first when there is too much: plain visits, then presses, then what people keep."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edgecls.sections.store import StoreSection
from edgecls.store.clock import TRUST_S
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
PICTURE = bytes(100_000)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    section = StoreSection(folder=tmp_path, bytes_max=1_000_000, free_bytes_min=0)
    with Store(section, clock=clock) as opened:
        yield opened


@pytest.fixture
def reader(store: Store, tmp_path: Path) -> Iterator[StoreReader]:
    with StoreReader(tmp_path) as opened:
        yield opened


def visit(store: Store, minute: int, *, frames: int = 0, press: bool = False) -> int:
    """Store an ended visit of 1 + `frames` pictures; a press has a picture too."""
    at = NOON + timedelta(minutes=minute)
    begun = store.start_visit("door", at=at, score=0.9, jpeg=PICTURE)
    for _ in range(frames):
        store.add_frame(begun.id, at=at, jpeg=PICTURE)
    if press:
        store.add_event("pressed", camera="door", at=at, jpeg=PICTURE, somebody=True)
    store.end_visit(begun.id, at=at + timedelta(seconds=9), score=0.9, jpeg=None)
    return begun.id


def without_picture(reader: StoreReader) -> set[int]:
    return {visit.id for visit in reader.visits(limit=99) if visit.snapshot is None}


def files(folder: Path) -> int:
    return len(list((folder / "snapshots").glob("*.jpg")))


def sweep_all_away(store: Store, reader: StoreReader, tmp_path: Path) -> list[set[int]]:
    """Add plain visits until everything older is without picture; return each new loss."""
    lost: list[set[int]] = []
    for minute in itertools.count(60):
        before = without_picture(reader)
        visit(store, minute)
        store.sweep(now=NOON)
        gone = without_picture(reader) - before
        if gone:
            lost.append(gone)
        if minute > 80:
            return lost
        assert files(tmp_path) <= 10
    raise AssertionError


def test_plain_ones_go_first_then_presses_then_kept_ones(
    store: Store, reader: StoreReader, tmp_path: Path
) -> None:
    kept = visit(store, 0)
    pressed = visit(store, 20, press=True)
    plain = [visit(store, 30), visit(store, 40)]
    store.keep(kept, True)
    lost = sweep_all_away(store, reader, tmp_path)
    assert lost[0] == {plain[0]}
    assert lost[1] == {plain[1]}
    assert not any({kept, pressed} & gone for gone in lost)  # newer plain ones went before them


def test_when_only_presses_and_kept_ones_are_left_the_presses_go(
    store: Store, reader: StoreReader
) -> None:
    kept = [visit(store, minute) for minute in range(6)]
    for number in kept:
        store.keep(number, True)
    pressed = [visit(store, minute, press=True) for minute in (20, 40, 60)]  # two pictures each
    store.sweep(now=NOON)
    assert without_picture(reader) == {pressed[0]}
    assert [press.snapshot is None for press in reader.presses(limit=9)] == [False, False, True]


def test_kept_ones_go_last_the_oldest_first(store: Store, reader: StoreReader) -> None:
    numbers = [visit(store, minute) for minute in range(12)]
    for number in numbers:
        store.keep(number, True)
    store.sweep(now=NOON)
    assert without_picture(reader) == {1, 2}


def test_a_visits_further_pictures_go_before_its_best_one(
    store: Store, reader: StoreReader, tmp_path: Path
) -> None:
    first = visit(store, 0, frames=3)
    for minute in range(1, 9):
        visit(store, minute)
    store.sweep(now=NOON)
    shown = reader.visit(first)
    assert shown is not None
    assert shown.snapshot is not None
    assert len(shown.frames) == 1
    assert files(tmp_path) == 10


def test_pictures_of_events_without_a_visit_count_and_go_by_their_rank(
    store: Store, reader: StoreReader
) -> None:
    press = store.add_event("pressed", camera="door", at=NOON, jpeg=PICTURE, somebody=False)
    covered = store.add_event("tampered", camera="door", at=NOON, jpeg=PICTURE, detail="covered")
    for minute in range(1, 10):
        visit(store, minute)
    store.sweep(now=NOON)
    shown = {event.id: event.snapshot for event in reader.events()}
    assert shown[press.id] is not None
    assert shown[covered.id] is None
    assert without_picture(reader) == set()


def test_age_takes_events_and_pictures_too_but_nothing_that_is_kept(
    store: Store, reader: StoreReader, clock: Clock, tmp_path: Path
) -> None:
    kept, plain = visit(store, 0), visit(store, 30, frames=2, press=True)
    store.keep(kept, True)
    store.add_event("pressed", camera="door", at=NOON + timedelta(hours=1), jpeg=PICTURE)
    recent = store.add_event("camera_lost", camera="door", at=NOON + timedelta(days=40))
    late = NOON + timedelta(days=45)
    store.sweep(now=late)
    clock.seconds += TRUST_S
    swept = store.sweep(now=late + timedelta(seconds=TRUST_S))
    assert (swept.visits, swept.snapshots) == (1, 5)
    assert reader.visit(plain) is None
    assert reader.visit(kept) is not None
    assert {event.visit_id for event in reader.events()} == {kept, None}
    assert reader.events()[-1].id == recent.id
    assert files(tmp_path) == 1
