"""kill -9 at each step of a write: what was acknowledged is there, nothing half is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgecls.config import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store

ROOT = Path(__file__).resolve().parents[2]
PICTURE_BYTES = 30_000

WRITER = """
import os, signal, sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from edgecls.config import StoreSection
from edgecls.store.store import Store

folder, die_at = Path(sys.argv[1]), int(sys.argv[2])
steps = []

def step(name):
    if len(steps) == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    steps.append(name)

def say(*words):
    print(*words, flush=True)

noon = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
with Store(StoreSection(folder=folder, free_bytes_min=0), step=step) as store:
    for number in (1, 2):
        picture = bytes([number]) * PICTURE_BYTES
        visit = store.start_visit("door", at=noon, score=0.5, jpeg=picture)
        say("started", visit.id)
        store.end_visit(visit.id, at=noon + timedelta(seconds=9), score=0.9, jpeg=picture[::-1])
        say("ended", visit.id)
say("steps", len(steps))
""".replace("PICTURE_BYTES", str(PICTURE_BYTES))

STEPS_PER_VISIT = 16
"""Of a start: 4 for the JPEG, 4 for the rows; of an end the same. Held below."""


@dataclass(frozen=True)
class Said:
    """What the writer told before it ended, and how it ended."""

    lines: list[str]
    code: int


def written(folder: Path, *, die_at: int) -> Said:
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(folder), str(die_at)],
        capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == ""
    return Said(done.stdout.splitlines(), done.returncode)


def test_the_steps_are_as_many_as_the_cases_below(tmp_path: Path) -> None:
    said = written(tmp_path, die_at=-1)
    assert said.code == 0
    assert said.lines[-1] == f"steps {2 * STEPS_PER_VISIT}"


@pytest.mark.parametrize("die_at", range(STEPS_PER_VISIT, 2 * STEPS_PER_VISIT))
def test_killed_at_a_step(tmp_path: Path, die_at: int) -> None:
    said = written(tmp_path, die_at=die_at)
    assert said.code == -9
    with Store(StoreSection(folder=tmp_path, free_bytes_min=0)), StoreReader(tmp_path) as reader:
        visits = {visit.id: visit for visit in reader.visits(limit=9)}
        events = [(event.visit_id, event.kind) for event in reader.events()]
        for visit in visits.values():
            assert visit.ended_at is not None  # nothing stays open
            assert visit.snapshot is not None
            jpeg = reader.snapshot(visit.snapshot)
            assert jpeg == bytes([visit.id]) * PICTURE_BYTES  # whole, and its own
            assert events.count((visit.id, "visit_started")) == 1
            assert events.count((visit.id, "visit_ended")) == 1
        for line in said.lines:  # what was acknowledged
            verb, number = line.split()
            assert int(number) in visits
            if verb == "ended":
                assert not visits[int(number)].interrupted
                assert visits[int(number)].peak_score == 0.9
        assert len(list((tmp_path / "snapshots").iterdir())) == len(visits)
