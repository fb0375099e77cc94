"""Run other programs: a list of words, never a shell, always with a time limit."""

from __future__ import annotations

import logging
import shlex
import subprocess
from collections.abc import Sequence

log = logging.getLogger(__name__)


def run(
    command: Sequence[str], *, timeout_s: float, check: bool = True, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `command` and return what it printed.

    A failure is logged as a command line that can be pasted into a terminal.

    Args:    stdin: what the program reads; secrets belong here, for everybody can list words.

    Raises:  FileNotFoundError, subprocess.TimeoutExpired; CalledProcessError when `check`.
    """
    try:
        return subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=check,
            input=stdin,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        log.warning("failed: %s (%s)", shlex.join(command), error)
        raise
