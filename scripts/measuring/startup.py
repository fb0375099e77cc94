"""How long it takes to begin: the import, the help, one image from cold."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.measuring.machine import ROOT
from scripts.measuring.photographs import write_photographs
from scripts.measuring.section import Section, table

RUNS = 9
IMPORT = (
    "import time; start = time.perf_counter(); import edgecls; "
    "print(1000 * (time.perf_counter() - start))"
)
COMMAND = "from edgecls.cli.main import main; main()"


def measure() -> Section:
    """Time whole processes, a warm disk cache, the median of several runs after one not counted."""
    with tempfile.TemporaryDirectory() as folder:
        photograph = str(write_photographs(Path(folder))[0])
        figures = {
            "`import edgecls`, inside a running interpreter": (_import_ms(), 50),
            "`edgecls --help`, whole process": (_process_ms("--help"), 400),
            "`edgecls classify` of one image, whole process": (
                _process_ms("classify", photograph),
                1500,
            ),
        }
    rows = [
        [what, f"{statistics.median(ms):.1f} ms", f"{min(ms):.1f} to {max(ms):.1f} ms", f"{aim} ms"]
        for what, (ms, aim) in figures.items()
    ]
    text = table(["what", "median", "range", "aim: under"], rows)
    return Section("Start", f"{RUNS} runs each, after one that is not counted.\n\n{text}")


def _import_ms() -> list[float]:
    return [float(_python("-c", IMPORT)) for _ in range(RUNS + 1)][1:]


def _process_ms(*arguments: str) -> list[float]:
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        _python("-c", COMMAND, *arguments)
        times.append(1000 * (time.perf_counter() - start))
    return times[1:]


def _python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout
