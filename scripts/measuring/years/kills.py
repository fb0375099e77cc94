"""kill -9 at every step of every write of the store."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from scripts.measuring.machine import ROOT
from scripts.measuring.section import Section, table
from tests.crash.store_story import STORY, faults_after

TEXT = """Every kind of write of the store happens once in a story of {chapters} chapters:
visits, further pictures, presses, tamperings, keeping, correcting, deleting, the outbox,
deletion by age and by size. The story is told once for each of its steps, in a process that is
killed (SIGKILL) just before that step; the store is then opened again. {kinds} different fault
points, none left out (a test compares them with the source); {kills} kills. Wrong would be: a
write lost that had been acknowledged, a picture torn or missing, a file that nothing names, a
visit that stays open, an event that is no longer in the outbox although it was never delivered,
a database that does not open."""
LIMIT_S = 600


def measure() -> Section:
    """Tell the story for each of its steps."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        done = subprocess.run(
            [sys.executable, "-m", "tests.crash.store_story", name],
            capture_output=True, text=True, timeout=LIMIT_S, check=True, cwd=ROOT,
        )  # fmt: skip
        told = json.loads(done.stdout)
        steps: list[str] = told["steps"]
        killed = sum(code == -9 for code in told["ends"])
        wrong: Counter[str] = Counter()
        for number in range(len(steps)):
            wrong.update(fault.partition(":")[0] for fault in faults_after(root / str(number)))
    text = TEXT.format(chapters=len(STORY), kinds=len(set(steps)), kills=killed)
    rows = [[str(killed), str(killed), "0"]]
    if wrong:
        bad = ", ".join(f"{what} ({count})" for what, count in wrong.items())
        rows = [[str(killed), "?", bad]]
    header = ["kills", "opened again", "faults found"]
    return Section("Power cuts", f"{text.replace(chr(10), ' ')}\n\n{table(header, rows)}")
