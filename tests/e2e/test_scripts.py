"""The scripts as a person meets them: a fresh clone, an old Python, a second run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def _clone(repository: Path, folder: Path) -> Path:
    """Copy what git knows of the working tree, changes included, as a clone would hold it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (repository / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, folder / name)
    return folder


def _script(
    folder: Path, *words: str, timeout_s: float = 30, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(folder / "scripts" / words[0]), *words[1:]],
        cwd=folder,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    if not (repository / ".git").exists():
        pytest.skip("not a git checkout")
    return _clone(repository, tmp_path / "edgecls")


def test_an_old_python_is_refused_in_one_line(clone: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = _script(clone, "run", PYTHON=str(old))
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        f"error: PYTHON={old} is older than 3.10 or does not start",
        "hint:  give the path of a Python 3.10 or newer",
    ]
    assert not (clone / ".venv").exists()


def test_no_python_at_all_is_said_in_one_line(clone: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "env", "dirname", "sh"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    done = _script(clone, "run", PATH=str(tools), PYTHON="")
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == "error: no Python 3.10 or newer was found"


def test_a_python_without_venv_names_the_package_to_install(clone: Path, tmp_path: Path) -> None:
    lame = tmp_path / "python3"
    lame.write_text(
        '#!/bin/sh\n[ "$2" = venv ] && { echo "No module named venv"; exit 1; }\n'
        'exec python3 "$@"\n'
    )
    lame.chmod(0o755)
    done = _script(clone, "run", PYTHON=str(lame))
    assert done.returncode == 3
    assert "cannot make a virtual environment" in done.stderr
    assert "python3-venv" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_fresh_clone_decides_at_the_built_in_door_and_is_quick_the_second_time(
    clone: Path,
) -> None:
    first = _script(clone, "run", "--once", "--port", "0", timeout_s=600)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "making the virtual environment" in first.stdout
    again = _script(clone, "run", "--once", "--port", "0", timeout_s=120)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "installing" not in again.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_broken_list_of_libraries_shows_what_pip_said(clone: Path) -> None:
    project = clone / "pyproject.toml"
    broken = project.read_text().replace('"numpy>=1.26"', '"numpy>=1.26,<1.0"')
    project.write_text(broken)
    done = _script(clone, "run", "--once", "--port", "0", timeout_s=240)
    assert done.returncode == 3
    assert "pip could not install edgecls[demo]" in done.stderr
    assert "numpy" in done.stderr
