"""`edgecls doctor`: its report, its JSON, its exit codes."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from edgecls.cli.doctor import Report
from edgecls.cli.main import run
from edgecls.doctor.examine import CHECKS, examine
from edgecls.doctor.finding import fail, ok, skip, warn
from tests.patients import patient_of, told
from tests.recorded_boards import EVERY_BOARD


@pytest.mark.parametrize("name", EVERY_BOARD)
def test_every_recorded_machine_is_examined_to_the_end(tmp_path: Path, name: str) -> None:
    found = told(examine(patient_of(tmp_path, EVERY_BOARD[name])))
    assert {"machine", "python", "int8", "model", "temperature", "disk", "clock"} <= set(found)
    assert len(found) >= len(CHECKS)


def text_of(report: Report) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(report.as_text())
    written = console.file
    assert isinstance(written, StringIO)
    return written.getvalue()


def test_a_fault_is_told_with_its_fix_and_the_exit_code() -> None:
    report = Report(None, (ok("one", "well"), fail("two", "ill", fix="do this")))
    assert report.exit_code == 1
    text = text_of(report)
    assert "fail  two  ill" in text
    assert "fix: do this" in text
    assert "1 thing fails, 0 to look at." in text


def test_warnings_do_not_fail() -> None:
    report = Report(None, (warn("one", "meh", fix="that"), skip("two", "-")))
    assert report.exit_code == 0
    assert "Nothing fails, 1 to look at." in text_of(report)
    assert "All is well." in text_of(Report(None, (ok("one", "well"),)))


def test_this_machine_is_examined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "doorbell.toml"
    file.write_text(f'[camera]\nkind = "replay"\nsource = "{tmp_path}"\n')
    code = run(["doctor", "--config", str(file), "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == 1
    assert answer["config"] == str(file)
    assert answer["ok"] == (code == 0) == (answer["counts"]["fail"] == 0)
    assert {"subject", "state", "text", "fix"} == set(answer["findings"][0])
    assert sum(answer["counts"].values()) == len(answer["findings"])


def test_a_faulty_configuration_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "doorbell.toml"
    file.write_text('[camera]\nkind = "picam"\n')
    assert run(["doctor", "-c", str(file)]) == 2
    assert "did you mean 'picamera'?" in capsys.readouterr().err
