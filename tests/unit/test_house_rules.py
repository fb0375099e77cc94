"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import subprocess
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES_MAX = 400
LINES_WISHED = 300
VAGUE_NAMES = {"utils", "helpers", "common", "misc", "util", "helper"}


def _python_files() -> list[Path]:
    return sorted(
        path
        for top in ("edgecls", "tests", "scripts")
        for path in (ROOT / top).rglob("*")
        if path.suffix == ".py" or (top == "scripts" and path.is_file() and _is_python(path))
    )


def _is_python(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().startswith(b"#!") and b"python" in path.read_bytes().splitlines()[0]


def _statements(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text(encoding="utf-8")).body


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_table(statement: ast.stmt) -> bool:
    """Tell whether this is a plug-in table or what types one: literals only, no code."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return statement.value is not None and not any(
            isinstance(node, (ast.Call, ast.Lambda)) for node in ast.walk(statement.value)
        )
    return isinstance(statement, ast.ImportFrom) and statement.module in (
        "__future__",
        "collections.abc",
        "typing",
    )


def test_no_file_is_over_the_limit() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in _python_files()}
    long = {
        str(path.relative_to(ROOT)): count for path, count in lengths.items() if count > LINES_MAX
    }
    assert not long
    wide = [f"{p.relative_to(ROOT)}: {n}" for p, n in lengths.items() if n > LINES_WISHED]
    if wide:
        print(f"over {LINES_WISHED} lines: {', '.join(wide)}")


def test_packages_hold_a_docstring_and_at_most_a_table() -> None:
    offenders = []
    for path in (ROOT / "edgecls").rglob("__init__.py"):
        statements = _statements(path)
        if not statements or not _is_docstring(statements[0]):
            offenders.append(f"{path.relative_to(ROOT)}: no docstring")
        offenders += [
            f"{path.relative_to(ROOT)}:{statement.lineno}: code"
            for statement in statements[1:]
            if not _is_table(statement) and not _is_docstring(statement)
        ]
    assert not offenders


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _python_files()
        if path.read_text("utf-8").strip()
        and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert not silent


def test_no_file_has_a_vague_name() -> None:
    assert not [str(p.relative_to(ROOT)) for p in _python_files() if p.stem in VAGUE_NAMES]


@pytest.mark.parametrize("name", ["run", "test", "check", "setup", "test-deps"])
def test_scripts_can_be_run_and_parse(name: str) -> None:
    path = ROOT / "scripts" / name
    assert path.stat().st_mode & 0o111
    checked = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_source_compiles_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in _python_files():
            compile(path.read_text("utf-8"), str(path), "exec", dont_inherit=True)
