"""Presses, further pictures, what people say of a visit, and who is still to be told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edgecls.errors import StoreError
from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.types import EVENT_KINDS, Event, SinkState, StoredFrame, Visit

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(
        StoreSection(folder=tmp_path, free_bytes_min=0), sinks=("mqtt", "webhook")
    ) as opened:
        yield opened


@pytest.fixture
def reader(store: Store, tmp_path: Path) -> Iterator[StoreReader]:
    with StoreReader(tmp_path) as opened:
        yield opened


def visit(store: Store, *, at: datetime = NOON, camera: str = "door") -> Visit:
    begun = store.start_visit(camera, at=at, score=0.8, jpeg=b"first", light="night")
    return store.end_visit(begun.id, at=at + 9 * SECOND, score=0.9, jpeg=None)


def press(store: Store, at: datetime, *, camera: str = "door") -> Event:
    return store.add_event(
        "pressed", camera=camera, at=at, score=0.9, jpeg=b"pressed", somebody=True
    )


def test_a_press_is_read_back_as_it_was_told(store: Store, reader: StoreReader) -> None:
    told = press(store, NOON)
    assert told == Event(1, "pressed", "door", NOON, None, 0.9, told.snapshot, True)
    assert reader.presses(limit=9) == [told]
    assert list(reader.events()) == [told]
    assert reader.snapshot(str(told.snapshot)) == store.snapshot(str(told.snapshot)) == b"pressed"
    assert reader.bytes_used() > len(b"pressed")


def test_a_press_without_a_picture_says_nothing_about_who(store: Store) -> None:
    told = store.add_event("pressed", camera="door", at=NOON)
    assert (told.score, told.snapshot, told.somebody) == (None, None, None)
    nobody = store.add_event("pressed", camera="door", at=NOON, score=0.0, somebody=False)
    assert (nobody.score, nobody.somebody) == (0.0, False)


def test_every_kind_can_be_stored_and_no_other(store: Store, reader: StoreReader) -> None:
    for kind in EVENT_KINDS:
        store.add_event(kind, camera="door", at=NOON, detail="covered")
    assert [event.kind for event in reader.events()] == list(EVENT_KINDS)
    with pytest.raises(StoreError, match="CHECK constraint failed"):
        store.add_event("moved", camera="door", at=NOON, jpeg=b"picture")
    assert len(list(reader.folder.joinpath("snapshots").iterdir())) == 0


@pytest.mark.parametrize(
    ("after_s", "falls_into_it"), [(-11, False), (-9, True), (3, True), (18, True), (20, False)]
)
def test_a_press_belongs_to_the_visit_it_falls_into(
    store: Store, reader: StoreReader, after_s: int, falls_into_it: bool
) -> None:
    """The visit lasts from 0 to 9 s; ten seconds before and after it still count."""
    at = NOON + after_s * SECOND
    if after_s < 0:
        press(store, at)
    visit(store)
    if after_s >= 0:
        press(store, at)
    (pressed,) = reader.presses(limit=9)
    assert pressed.visit_id == (1 if falls_into_it else None)
    assert [found.pressed for found in reader.visits(limit=9)] == [falls_into_it]


def test_a_press_during_a_visit_belongs_to_it_whatever_the_clock(store: Store) -> None:
    begun = store.start_visit("door", at=NOON, score=0.8, jpeg=b"first")
    assert press(store, NOON - timedelta(days=9999)).visit_id == begun.id


def test_a_press_at_another_door_belongs_to_no_visit_here(
    store: Store, reader: StoreReader
) -> None:
    press(store, NOON, camera="garden")
    begun = visit(store)
    press(store, NOON + SECOND, camera="garden")
    assert not begun.pressed
    assert [event.visit_id for event in reader.presses(limit=9)] == [None, None]


def test_further_pictures_are_oldest_first(store: Store, reader: StoreReader) -> None:
    begun = store.start_visit("door", at=NOON, score=0.8, jpeg=b"first")
    names = [store.add_frame(begun.id, at=NOON + n * SECOND, jpeg=bytes([n])) for n in (1, 2)]
    ended = store.end_visit(begun.id, at=NOON + 9 * SECOND, score=0.9, jpeg=None)
    assert ended.frames == tuple(names)
    assert reader.frames(begun.id) == [
        StoredFrame(names[0], NOON + SECOND),
        StoredFrame(names[1], NOON + 2 * SECOND),
    ]
    assert reader.snapshot(names[1]) == b"\x02"
    with pytest.raises(StoreError, match="no visit 9"):
        store.add_frame(9, at=NOON, jpeg=b"")


def test_pictures_of_every_row_outlive_a_restart(tmp_path: Path) -> None:
    section = StoreSection(folder=tmp_path, free_bytes_min=0)
    with Store(section) as store:
        press(store, NOON)
        store.add_frame(visit(store).id, at=NOON, jpeg=b"frame")
    with Store(section):
        assert len(list((tmp_path / "snapshots").iterdir())) == 3


def test_what_people_say_of_a_visit(store: Store, reader: StoreReader) -> None:
    first, second = visit(store), visit(store, at=NOON + timedelta(hours=1))
    assert first.light == "night"
    assert store.keep(first.id, True).kept
    assert store.correct(second.id, "nobody").correction == "nobody"
    assert [found.id for found in reader.visits(limit=9, only="kept")] == [first.id]
    assert [found.id for found in reader.visits(limit=9, only="corrected")] == [second.id]
    assert reader.visits(limit=9, only="pressed") == []
    assert not store.keep(first.id, False).kept
    assert store.correct(second.id, None).correction is None
    with pytest.raises(ValueError, match="unknown label 'cat', expected one of person, nobody"):
        store.correct(first.id, "cat")
    with pytest.raises(StoreError, match="no visit 9"):
        store.keep(9, True)


def test_visits_and_presses_by_day_and_camera(store: Store, reader: StoreReader) -> None:
    midnight = datetime(2026, 11, 20).astimezone()  # in this machine's zone
    for camera in ("door", "garden"):
        for at in (midnight - SECOND, midnight, midnight + timedelta(hours=23, minutes=59)):
            visit(store, at=at, camera=camera)
            press(store, at, camera=camera)
    day = midnight.date()
    assert [found.id for found in reader.visits(limit=9, day=day)] == [6, 5, 3, 2]
    assert [found.id for found in reader.visits(limit=9, day=day, camera="door")] == [3, 2]
    assert [found.id for found in reader.visits(limit=1, day=day, before_id=5)] == [3]
    assert [event.visit_id for event in reader.presses(limit=9, day=day, camera="door")] == [3, 2]
    assert len(reader.presses(limit=9)) == 6
    assert reader.visits_on(day) == 4
    assert reader.visits_on(day, camera="garden") == 2


def test_a_deleted_visit_is_gone_with_all_that_belongs_to_it(
    store: Store, reader: StoreReader, tmp_path: Path
) -> None:
    gone, stays = visit(store), visit(store, at=NOON + timedelta(hours=1))
    store.add_frame(gone.id, at=NOON, jpeg=b"frame")
    press(store, NOON)
    press(store, NOON + SECOND)
    store.delete_visit(gone.id)
    assert reader.visits(limit=9) == [stays]
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == [stays.snapshot]
    assert {event.visit_id for event in reader.events()} == {stays.id}
    assert [state.waiting for state in reader.outbox_state()] == [2, 2]
    with pytest.raises(StoreError, match="no visit 1"):
        store.delete_visit(gone.id)


def test_a_visit_that_lasts_cannot_be_deleted(store: Store, reader: StoreReader) -> None:
    begun = store.start_visit("door", at=NOON, score=0.8, jpeg=b"first")
    with pytest.raises(StoreError, match="lasts still"):
        store.delete_visit(begun.id)
    assert reader.visits(limit=9) == [begun]


def test_each_sink_is_told_of_each_event_in_order(store: Store, reader: StoreReader) -> None:
    visit(store)
    press(store, NOON)
    assert reader.outbox_state() == (
        SinkState("mqtt", 3, 0, None), SinkState("webhook", 3, 0, None)
    )  # fmt: skip
    told = []
    while (waiting := store.undelivered("mqtt")) is not None:
        told.append(waiting.event)
        store.delivered("mqtt", waiting.event.id)
    assert told == list(reader.events())
    assert reader.outbox_state() == (SinkState("webhook", 3, 0, None),)


def test_what_is_given_up_waits_no_more_until_it_is_put_back(
    store: Store, reader: StoreReader
) -> None:
    visit(store)
    store.not_delivered("mqtt", 1, error="refused", dead=False)
    waiting = store.undelivered("mqtt")
    assert waiting is not None
    assert (waiting.event.id, waiting.attempts) == (1, 1)
    store.not_delivered("mqtt", 1, error="too large", dead=True)
    waiting = store.undelivered("mqtt")
    assert waiting is not None
    assert waiting.event.id == 2
    assert reader.outbox_state()[0] == SinkState("mqtt", 1, 1, "too large")
    store.not_delivered("mqtt", 2, error="nobody there", dead=False, counts=False)
    waiting = store.undelivered("mqtt")
    assert waiting is not None
    assert (waiting.event.id, waiting.attempts) == (2, 0)
    assert store.requeue("mqtt") == 1
    waiting = store.undelivered("mqtt")
    assert waiting is not None
    assert (waiting.event.id, waiting.attempts) == (1, 0)


def test_a_visit_that_a_power_cut_ended_is_told_too(tmp_path: Path) -> None:
    section = StoreSection(folder=tmp_path, free_bytes_min=0)
    with Store(section, sinks=("mqtt",)) as store:
        store.start_visit("door", at=NOON, score=0.8, jpeg=b"first")
    with Store(section, sinks=("mqtt",)), StoreReader(tmp_path) as reader:
        assert reader.outbox_state() == (SinkState("mqtt", 2, 0, None),)


def test_threads_take_turns(store: Store, reader: StoreReader) -> None:
    def write(number: int) -> None:
        for count in range(5):
            store.keep(visit(store, camera=f"door {number}").id, True)
            press(store, NOON + count * SECOND, camera=f"door {number}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(reader.visits(limit=99)) == len(reader.presses(limit=99)) == 20
    assert [event.id for event in reader.events()] == list(range(1, 61))
