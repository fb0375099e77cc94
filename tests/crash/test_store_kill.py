"""kill -9 at each step of a write: what was acknowledged is there, nothing half is shown."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgecls.sections.store import StoreSection
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store

ROOT = Path(__file__).resolve().parents[2]
PICTURE_BYTES = 30_000

WRITER = """
import os, signal, sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from edgecls.sections.store import StoreSection
from edgecls.store.store import Store

noon = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)

def write(folder, die_at):
    steps = []

    def step(name):
        if len(steps) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps.append(name)

    def say(*words):
        with (folder / "said").open("a") as said:
            print(*words, file=said)

    section = StoreSection(folder=folder / "data", free_bytes_min=0)
    with Store(section, step=step) as store:
        for number in (1, 2):
            picture = bytes([number]) * PICTURE_BYTES
            visit = store.start_visit("door", at=noon, score=0.5, jpeg=picture)
            say("started", visit.id)
            end = noon + timedelta(seconds=9)
            store.end_visit(visit.id, at=end, score=0.9, jpeg=picture[::-1])
            say("ended", visit.id)
    say("steps", len(steps))

for die_at in map(int, sys.argv[2:]):  # a process of its own for each, without the imports again
    folder = Path(sys.argv[1]) / str(die_at)
    folder.mkdir()
    child = os.fork()
    if not child:
        write(folder, die_at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(die_at, os.waitstatus_to_exitcode(status))
""".replace("PICTURE_BYTES", str(PICTURE_BYTES))

STEPS_PER_VISIT = 16
"""Of a start: 4 for the JPEG, 4 for the rows; of an end the same. Held below."""


NEVER = -1
CASES = [NEVER, *range(STEPS_PER_VISIT, 2 * STEPS_PER_VISIT)]
"""The second visit's steps: the first is acknowledged by then, and must stay whole."""


@dataclass(frozen=True)
class Written:
    """What a writer left, told before it ended, and how it ended."""

    folder: Path
    lines: list[str]
    code: int


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """Return a folder in memory where there is one: a killed process needs no real disk's fsync."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    with tempfile.TemporaryDirectory(dir=memory if usable else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def written(root: Path) -> dict[int, Written]:
    """Run a writer for each case, each killed at its step."""
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(root), *map(str, CASES)],
        capture_output=True, text=True, timeout=110, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == ""
    codes = dict(map(int, line.split()) for line in done.stdout.splitlines())
    return {
        case: Written(
            folder=root / str(case) / "data",
            lines=(root / str(case) / "said").read_text().splitlines(),
            code=codes[case],
        )
        for case in CASES
    }


def test_the_steps_are_as_many_as_the_cases(written: dict[int, Written]) -> None:
    assert written[NEVER].code == 0
    assert written[NEVER].lines[-1] == f"steps {2 * STEPS_PER_VISIT}"


@pytest.mark.parametrize("die_at", CASES[1:])
def test_killed_at_a_step(written: dict[int, Written], die_at: int) -> None:
    case = written[die_at]
    assert case.code == -9
    assert case.lines[:2] == ["started 1", "ended 1"]
    section = StoreSection(folder=case.folder, free_bytes_min=0)
    with Store(section), StoreReader(case.folder) as reader:
        visits = {visit.id: visit for visit in reader.visits(limit=9)}
        events = [(event.visit_id, event.kind) for event in reader.events()]
        for visit in visits.values():
            assert visit.ended_at is not None  # nothing stays open
            assert visit.snapshot is not None
            jpeg = reader.snapshot(visit.snapshot)
            assert jpeg == bytes([visit.id]) * PICTURE_BYTES  # whole, and its own
            assert events.count((visit.id, "visit_started")) == 1
            assert events.count((visit.id, "visit_ended")) == 1
        for line in case.lines:  # what was acknowledged
            verb, number = line.split()
            assert int(number) in visits
            if verb == "ended":
                assert not visits[int(number)].interrupted
                assert visits[int(number)].peak_score == 0.9
        assert len(list((case.folder / "snapshots").iterdir())) == len(visits)
