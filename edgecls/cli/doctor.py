"""`edgecls doctor`: what is well on this device, what is not, and how to mend it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from edgecls.cli import output

if TYPE_CHECKING:
    from edgecls.config import Config
    from edgecls.doctor.finding import Finding

DEVICE_CONFIG = Path("/etc/edgecls/doorbell.toml")
GATE_NOT_MET = 1
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Args:    config: the file that was read, None without one.
    """

    config: Path | None
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        return GATE_NOT_MET if self._count("fail") else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self._count("fail"),
            "config": str(self.config) if self.config else None,
            "counts": {state: self._count(state) for state in STYLES},
            "findings": [
                {"subject": f.subject, "state": f.state.value, "text": f.text, "fix": f.fix}
                for f in self.findings
            ],
        }

    def as_text(self) -> Group:
        width = max(len(finding.subject) for finding in self.findings)
        lines = []
        for finding in self.findings:
            state = finding.state.value
            line = Text()
            line.append(f"{state:<4}", style=STYLES[state])
            line.append(f"  {finding.subject:<{width}}  ", style="bold" if state == "fail" else "")
            line.append(finding.text, style="dim" if state == "skip" else "")
            lines.append(line)
            if finding.fix:
                lines.append(Text(f"{'':<{width + 8}}fix: {finding.fix}", style="italic"))
        return Group(*lines, Text(), self._verdict())

    def _verdict(self) -> Text:
        fails, warns = self._count("fail"), self._count("warn")
        if fails:
            noun = "thing fails" if fails == 1 else "things fail"
            return Text(f"{fails} {noun}, {warns} to look at.", style="bold red")
        if warns:
            return Text(f"Nothing fails, {warns} to look at.", style="yellow")
        return Text("All is well.", style="green")

    def _count(self, state: str) -> int:
        return sum(finding.state.value == state for finding in self.findings)


def doctor(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help=f"The device's file; else {DEVICE_CONFIG}, if there."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look at everything that edgecls needs on this device; exit code 1 when something fails."""
    from edgecls.doctor.examine import examine
    from edgecls.doctor.patient import patient_here

    path = config if config is not None else DEVICE_CONFIG if DEVICE_CONFIG.is_file() else None
    with _commands_unlogged():
        findings = examine(patient_here(_config(path)))
    output.emit(Report(path, findings), as_json=json)


@contextlib.contextmanager
def _commands_unlogged() -> Iterator[None]:
    """Keep programs that fail out of the log meanwhile: the report says what they mean."""
    log = logging.getLogger("edgecls._lib.proc")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _config(path: Path | None) -> Config | None:
    """Read the file. Raises: ConfigError, which a doctor cannot heal either."""
    from edgecls import config as configuration

    return None if path is None else configuration.load(path)
