"""What all tests share: where the repository is, and the command line as a user's shell has it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the top folder of this checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shell_environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return an environment whose PATH has `edgecls`, run from this checkout by this Python."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "edgecls"
    command.write_text(
        f'#!{sys.executable}\nimport sys\nsys.path.insert(0, "{ROOT}")\n'
        "from edgecls.cli.main import main\nmain()\n"
    )
    command.chmod(0o755)
    path = f"{folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "120"}
