"""kill -9 at each step of each write: what was acknowledged is there, nothing half is shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.store_story import faults_after

pytestmark = pytest.mark.timeout(300)

FAULT_POINT = re.compile(r'(?:step|tell)\(\s*"([^"]+)"\s*\)')


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """Return a folder in memory where there is one: a killed process needs no real disk's fsync."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    with tempfile.TemporaryDirectory(dir=memory if usable else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def steps(root: Path, repository: Path) -> list[str]:
    """Tell the story once for each of its steps, killed there; return the steps' names."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.store_story", str(root)],
        capture_output=True, text=True, timeout=280, check=True, cwd=repository,
    )  # fmt: skip
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert set(told["ends"]) == {-9}
    assert len(told["ends"]) == len(told["steps"])
    steps: list[str] = told["steps"]
    return steps


def test_every_fault_point_of_the_store_is_met(steps: list[str], repository: Path) -> None:
    sources = [*(repository / "edgecls/store").glob("*.py"), repository / "edgecls/_lib/files.py"]
    known = {name for path in sources for name in FAULT_POINT.findall(path.read_text())}
    assert len(known) > 20
    assert known == set(steps)


def test_a_whole_story_leaves_nothing_wrong(steps: list[str], root: Path) -> None:
    assert steps
    assert faults_after(root / "whole") == []


def test_a_kill_at_any_step_loses_nothing_and_tears_nothing(steps: list[str], root: Path) -> None:
    wrong = {
        f"{number}, before: {name}": faults
        for number, name in enumerate(steps)
        if (faults := faults_after(root / str(number)))
    }
    assert wrong == {}


def test_the_check_would_notice(steps: list[str], root: Path) -> None:
    """Spoil what a kill left, in the ways that a store must not."""
    folder = root / str(len(steps) - 1)
    name = next((folder / "data/snapshots").glob("*.jpg"))
    name.write_bytes(name.read_bytes()[:-1])
    assert any(fault.startswith("torn") for fault in faults_after(folder))
    name.unlink()
    with (folder / "acknowledged").open("a") as file:
        file.write("something that never was\n")
    assert faults_after(folder) != []
