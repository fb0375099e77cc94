"""Recorded machines on the doctor's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgecls import config as configuration
from edgecls import plugins
from edgecls.boards import BOARDS
from edgecls.boards.detect import board_key
from edgecls.boards.firmware import firmware_here, load_firmware
from edgecls.boards.host import HostBoard
from edgecls.doctor.finding import Finding
from edgecls.doctor.patient import Patient
from tests.recorded_boards import RecordedBoard


def answering(host: str, port: int, timeout_s: float) -> None:
    """Let every host answer."""
    del host, port, timeout_s


def patient_of(
    root: Path,
    recorded: RecordedBoard,
    *,
    files: Mapping[str, str] | None = None,
    says: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    **changes: Any,  # Any: fields of Patient
) -> Patient:
    """Return a recorded machine as a patient.

    Args:    files, says: besides what is recorded.   config: the tables of its configuration.
             changes: fields of `Patient` to replace.
    """
    machine = RecordedBoard({**recorded.files, **(files or {})}, {**recorded.says, **(says or {})})
    machine.laid_out(root)
    board: HostBoard = plugins.load("board", BOARDS, board_key(root))(root, run=machine.run)
    key = firmware_here(root)
    programs = {line.split()[0] for line in machine.says}
    patient = Patient(
        root=root,
        config=None if config is None else configuration.from_mapping(dict(config), origin="test"),
        board=board,
        firmware=load_firmware(key) if key else None,
        machine="aarch64",
        python=(3, 11, 2),
        which=lambda name: f"/usr/bin/{name}" if name in programs else None,
        connect=answering,
        run=machine.run,
    )
    return replace(patient, **changes)


def told(findings: Any) -> dict[str, Finding]:  # Any: what a check yields
    """Return findings by their subject; no subject is told twice."""
    found = list(findings)
    assert len({finding.subject for finding in found}) == len(found)
    for finding in found:
        assert "\n" not in finding.text
        assert bool(finding.fix) == (finding.state.value in ("warn", "fail")), finding
    return {finding.subject: finding for finding in found}


def states(findings: Any) -> dict[str, str]:  # Any: as above
    return {subject: finding.state.value for subject, finding in told(findings).items()}
