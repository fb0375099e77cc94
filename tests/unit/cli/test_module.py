"""`python -m edgecls` is the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edgecls import __version__


def test_the_package_runs_as_a_module(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgecls", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=repository,
    )
    assert done.stdout == f"edgecls {__version__}\n"
