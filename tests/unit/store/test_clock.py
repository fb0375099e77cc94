"""A board that wakes in 1970: times are put right with the clock, the order never changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edgecls.sections.store import StoreSection
from edgecls.store.clock import BootClock, boot_name, since_boot_s
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store

WOKE = datetime(1970, 1, 1, tzinfo=timezone.utc)
RIGHT = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


class Machine:
    """Two clocks and a boot: the wall clock shows what it is set to, and goes on from there."""

    def __init__(self) -> None:
        self.name = "boot one"
        self.up_s = 0.0
        self._ahead = WOKE

    def set_clock(self, to: datetime) -> None:
        self._ahead = to - timedelta(seconds=self.up_s)

    def reboot(self, name: str, wakes: datetime) -> None:
        self.name, self.up_s, self._ahead = name, 0.0, wakes

    def now(self) -> datetime:
        return self._ahead + timedelta(seconds=self.up_s)

    def store(self, folder: Path) -> Store:
        boot = BootClock(now=self.now, clock=lambda: self.up_s, boot=lambda: self.name)
        section = StoreSection(folder=folder, free_bytes_min=0)
        return Store(section, clock=lambda: self.up_s, boot=boot)

    def visit(self, store: Store, *, lasts_s: float = 9.0) -> int:
        visit = store.start_visit("door", at=self.now(), score=0.9, jpeg=b"picture")
        self.up_s += lasts_s
        store.end_visit(visit.id, at=self.now(), score=0.9, jpeg=None)
        self.up_s += 60.0
        return visit.id


@pytest.fixture
def machine() -> Machine:
    return Machine()


def times(folder: Path) -> Sequence[tuple[datetime, datetime | None]]:
    with StoreReader(folder) as reader:
        return [(visit.started_at, visit.ended_at) for visit in reader.visits(limit=9)][::-1]


def seconds(*offsets: float) -> list[datetime]:
    return [RIGHT + timedelta(seconds=offset) for offset in offsets]


def test_rows_of_1970_are_moved_once_the_clock_is_right(tmp_path: Path, machine: Machine) -> None:
    with machine.store(tmp_path) as store:
        machine.visit(store)
        press = store.add_event("pressed", camera="door", at=machine.now(), somebody=False)
        assert press.at == WOKE + timedelta(seconds=69)
        machine.up_s = 120.0
        machine.set_clock(RIGHT + timedelta(seconds=120))  # it was right noon when it woke
        machine.visit(store)
    assert times(tmp_path) == [tuple(seconds(0, 9)), tuple(seconds(120, 129))]
    with StoreReader(tmp_path) as reader:
        assert [event.at for event in reader.events()] == seconds(0, 9, 69, 120, 129)


def test_the_hourly_sweep_notices_too(tmp_path: Path, machine: Machine) -> None:
    with machine.store(tmp_path) as store:
        machine.visit(store)
        machine.set_clock(RIGHT + timedelta(seconds=69))
        store.sweep(now=machine.now())
        assert times(tmp_path) == [tuple(seconds(0, 9))]


def test_a_visit_that_lasts_across_the_jump_keeps_its_length(
    tmp_path: Path, machine: Machine
) -> None:
    with machine.store(tmp_path) as store:
        visit = store.start_visit("door", at=machine.now(), score=0.9, jpeg=b"picture")
        machine.up_s += 30
        left_at = machine.now()  # still told by the wrong clock
        machine.up_s += 3
        machine.set_clock(RIGHT + timedelta(seconds=33))
        ended = store.end_visit(visit.id, at=left_at, score=0.9, jpeg=None)
    assert [ended.started_at, ended.ended_at] == seconds(0, 30)


def test_a_clock_that_is_put_back_moves_them_back(tmp_path: Path, machine: Machine) -> None:
    machine.set_clock(datetime(2037, 1, 1, tzinfo=timezone.utc))
    with machine.store(tmp_path) as store:
        machine.visit(store)
        late = machine.now()
        machine.set_clock(RIGHT + timedelta(seconds=69))
        store.add_event("pressed", camera="door", at=late)
    assert times(tmp_path) == [tuple(seconds(0, 9))]
    with StoreReader(tmp_path) as reader:
        assert reader.presses(limit=1)[0].at == RIGHT + timedelta(seconds=69)


def test_the_daemon_may_be_down_while_the_clock_is_put_right(
    tmp_path: Path, machine: Machine
) -> None:
    with machine.store(tmp_path) as store:
        machine.visit(store)
        store.start_visit("door", at=machine.now(), score=0.9, jpeg=b"picture")
    machine.up_s = 300.0
    machine.set_clock(RIGHT + timedelta(seconds=300))
    with machine.store(tmp_path):
        pass
    assert times(tmp_path) == [tuple(seconds(0, 9)), tuple(seconds(69, 69))]


def test_rows_of_an_earlier_boot_stay_as_they_are(tmp_path: Path, machine: Machine) -> None:
    with machine.store(tmp_path) as store:
        machine.visit(store)
    machine.reboot("boot two", WOKE)
    with machine.store(tmp_path) as store:
        second = machine.visit(store)
        machine.set_clock(RIGHT + timedelta(seconds=69))
        store.keep(second, True)
    woke = [WOKE, WOKE + timedelta(seconds=9)]
    assert times(tmp_path) == [tuple(woke), tuple(seconds(0, 9))]


def test_a_kernel_without_a_boot_id_takes_each_start_for_a_boot(
    tmp_path: Path, machine: Machine
) -> None:
    machine.name = ""
    with machine.store(tmp_path) as store:
        machine.visit(store)
    machine.set_clock(RIGHT)
    with machine.store(tmp_path):
        pass
    assert times(tmp_path) == [(WOKE, WOKE + timedelta(seconds=9))]


def test_small_steps_and_years_of_them_move_nothing(tmp_path: Path, machine: Machine) -> None:
    machine.set_clock(RIGHT)
    with machine.store(tmp_path) as store:
        machine.visit(store)
        before = times(tmp_path)
        for step in range(1, 9):  # nine minutes each: together more than a jump
            machine.set_clock(machine.now() + timedelta(minutes=9))
            store.sweep(now=machine.now())
            assert times(tmp_path) == before, step


def test_order_is_by_id_whatever_the_clock_says(tmp_path: Path, machine: Machine) -> None:
    machine.set_clock(RIGHT)
    with machine.store(tmp_path) as store, StoreReader(tmp_path) as reader:
        first = machine.visit(store)
        machine.reboot("boot two", WOKE)
    with machine.store(tmp_path) as store, StoreReader(tmp_path) as reader:
        second = machine.visit(store)
        assert [visit.id for visit in reader.visits(limit=9)] == [second, first]
        assert [event.id for event in reader.events()] == [1, 2, 3, 4]


def test_this_machine_has_the_clocks_it_needs() -> None:
    assert since_boot_s() > 0
    assert boot_name() == boot_name()
