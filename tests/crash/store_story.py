"""A day of a store in which every kind of write happens, killed at each step of each of them.

    python -m tests.crash.store_story FOLDER

First tells the story whole and counts its steps; then tells it again for each of them, in a process
that dies by SIGKILL just before that step. Prints one JSON object: the names of the steps, and for
each kill how many chapters were acknowledged by then. `faults_after` then says what is wrong with
what a kill has left; nothing should be.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edgecls.sections.store import StoreSection
from edgecls.store.clock import TRUST_S
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
PICTURE_BYTES = 100_000
SINK = "home"
NEVER = -1


def picture(number: int) -> bytes:
    """Return bytes that show whether they are whole: all the same, and so many."""
    return bytes([number]) * PICTURE_BYTES


@dataclass(frozen=True)
class Chapter:
    """One write. Args: holds: tells from a reopened store that what was acknowledged is there."""

    name: str
    act: Callable[[Store], object]
    holds: Callable[[StoreReader], bool]


def _later(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def _waiting(reader: StoreReader) -> tuple[int, int]:
    """Return how many events wait and are given up."""
    states = {state.sink: (state.waiting, state.dead) for state in reader.outbox_state()}
    return states.get(SINK, (0, 0))


def _visit_is(reader: StoreReader, number: int, **wanted: object) -> bool:
    visit = reader.visit(number)
    return visit is not None and all(getattr(visit, key) == its for key, its in wanted.items())


def _ended(store: Store, number: int, at: datetime) -> None:
    visit = store.start_visit("door", at=at, score=0.5, jpeg=picture(number))
    store.end_visit(visit.id, at=at + timedelta(seconds=9), score=0.9, jpeg=None)


STORY: tuple[Chapter, ...] = (
    Chapter("an old visit", lambda s: _ended(s, 1, _later(-60 * 24 * 40)), lambda r: True),
    Chapter(
        "an old tampering",
        lambda s: s.add_event(
            "tampered", camera="door", at=_later(-60 * 24 * 40), jpeg=picture(2), detail="covered"
        ),
        lambda r: True,
    ),
    Chapter(
        "a visit begins",
        lambda s: s.start_visit("door", at=NOON, score=0.5, jpeg=picture(3)),
        lambda r: _visit_is(r, 2, camera="door"),
    ),
    Chapter(
        "a further picture",
        lambda s: s.add_frame(2, at=_later(0.05), jpeg=picture(4)),
        lambda r: len(r.frames(2)) == 1,
    ),
    Chapter(
        "the bell rings",
        lambda s: s.add_event(
            "pressed", camera="door", at=_later(0.06), jpeg=picture(5), score=0.8, somebody=True
        ),
        lambda r: _visit_is(r, 2, pressed=True) and len(r.presses(limit=9)) == 1,
    ),
    Chapter(
        "the visit ends with a better picture",
        lambda s: s.end_visit(2, at=_later(0.2), score=0.9, jpeg=picture(6)),
        lambda r: _visit_is(r, 2, peak_score=0.9, interrupted=False),
    ),
    Chapter("it is kept", lambda s: s.keep(2, True), lambda r: _visit_is(r, 2, kept=True)),
    Chapter(
        "it is corrected",
        lambda s: s.correct(2, "nobody"),
        lambda r: _visit_is(r, 2, correction="nobody"),
    ),
    Chapter("an event is delivered", lambda s: s.delivered(SINK, 4), lambda r: True),
    Chapter(
        "another is given up",
        lambda s: s.not_delivered(SINK, 5, error="refused", dead=True),
        lambda r: True,
    ),
    Chapter("and put back", lambda s: s.requeue(SINK), lambda r: _waiting(r)[1] == 0),
    Chapter("a visit of nobody", lambda s: _ended(s, 7, _later(5)), lambda r: True),
    Chapter("it is deleted", lambda s: s.delete_visit(3), lambda r: r.visit(3) is None),
    Chapter(
        "what is too old goes",
        lambda s: s.sweep(now=_later(60)),
        lambda r: r.visit(1) is None and all(event.kind != "tampered" for event in r.events()),
    ),
    Chapter("many more come", lambda s: [_ended(s, 8, _later(60 + n)) for n in range(12)],
            lambda r: True),
    Chapter(
        "what is too much goes",
        lambda s: s.sweep(now=_later(200)),
        lambda r: sum(visit.snapshot is not None for visit in r.visits(limit=99)) < 13,
    ),
    Chapter(
        "a last visit begins",
        lambda s: s.start_visit("door", at=_later(300), score=0.5, jpeg=picture(9)),
        lambda r: bool(r.visits(limit=1)[0].peak_score),
    ),
)  # fmt: skip


def section(folder: Path) -> StoreSection:
    return StoreSection(folder=folder, free_bytes_min=0, bytes_max=1_000_000)


def tell(folder: Path, die_at: int) -> list[str]:
    """Tell the story and return the steps' names; note each chapter once it is acknowledged."""
    steps: list[str] = []
    seconds = [0.0]

    def step(name: str) -> None:
        if len(steps) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps.append(name)

    with Store(
        section(folder / "data"), sinks=[SINK], step=step, clock=lambda: seconds[0]
    ) as store:
        store.sweep(now=NOON)  # from here on the clock is watched
        seconds[0] += TRUST_S
        for chapter in STORY:
            chapter.act(store)
            with (folder / "acknowledged").open("a") as file:
                print(chapter.name, file=file)
    return steps


def faults_after(folder: Path) -> list[str]:
    """Reopen what a killed process left, and say what is wrong with it."""
    said = folder / "acknowledged"
    told = said.read_text().splitlines() if said.exists() else []
    data = folder / "data"
    faults = []
    with Store(section(data), sinks=[SINK]), StoreReader(data) as reader:
        for chapter, name in zip(STORY, told, strict=False):
            if chapter.name != name or not chapter.holds(reader):
                faults.append(f"lost although acknowledged: {chapter.name}")
        faults += _faults_of_outbox(reader, len(told))
        visits = reader.visits(limit=99)
        faults += [f"visit {visit.id} stays open" for visit in visits if visit.ended_at is None]
        files = [visit.snapshot for visit in visits if visit.snapshot]
        files += [name for visit in visits for name in visit.frames]
        files += [
            event.snapshot for event in reader.events(limit=999)
            if event.snapshot and event.snapshot not in files
        ]  # fmt: skip
        for name in files:
            jpeg = reader.snapshot(name)
            if jpeg is None or len(jpeg) != PICTURE_BYTES or len(set(jpeg)) != 1:
                faults.append(f"torn or missing: {name}")
        there = {path.name for path in (data / "snapshots").iterdir()}
        if there != set(files):
            faults.append(f"files that nothing names: {sorted(there - set(files))}")
        started = [event.visit_id for event in reader.events(limit=999)
                   if event.kind == "visit_started"]  # fmt: skip
        if sorted(started) != sorted(visit.id for visit in visits):
            faults.append("visits and their events do not fit together")
    return faults


def _faults_of_outbox(reader: StoreReader, chapters: int) -> list[str]:
    """Every event waits or is given up until its delivery is acknowledged, and none is twice."""
    delivered = [chapter.name for chapter in STORY].index("an event is delivered")
    struck_out = len(reader.events(limit=999)) - sum(_waiting(reader))
    allowed = {chapters > delivered, chapters >= delivered}
    return [] if struck_out in allowed else [f"{struck_out} events are no longer in the outbox"]


def main() -> None:
    root = Path(sys.argv[1])
    whole = root / "whole"
    whole.mkdir()
    steps = tell(whole, NEVER)
    ends = []
    for die_at in range(len(steps)):
        folder = root / str(die_at)
        folder.mkdir()
        child = os.fork()
        if not child:
            tell(folder, die_at)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ends.append(os.waitstatus_to_exitcode(status))
    print(json.dumps({"steps": steps, "ends": ends}))


if __name__ == "__main__":
    main()
