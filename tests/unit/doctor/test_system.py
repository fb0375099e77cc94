"""The doctor on system, Python, disk and clock."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from edgecls.doctor.system import check_clock, check_disk, check_python, check_system
from tests.patients import patient_of, states, told
from tests.recorded_boards import LAPTOP, PI_4, os_release

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
SYNC = "timedatectl show --property=NTPSynchronized --value"


def test_a_known_system_is_well(tmp_path: Path) -> None:
    found = told(check_system(patient_of(tmp_path, PI_4)))
    assert found["machine"].text == "Raspberry Pi 4 Model B Rev 1.4 (aarch64)"
    assert found["system"].state.value == "ok"
    assert states(check_system(patient_of(tmp_path / "laptop", LAPTOP)))["system"] == "ok"


def test_a_system_that_no_file_names_is_a_warning(tmp_path: Path) -> None:
    old = os_release("Debian GNU/Linux 11 (bullseye)", "bullseye", "11")
    found = told(check_system(patient_of(tmp_path, PI_4, files=old)))["system"]
    assert found.state.value == "warn"
    assert "Trixie" in found.text


def test_a_32_bit_system_fails(tmp_path: Path) -> None:
    patient = patient_of(tmp_path, PI_4, machine="armv7l")
    assert states(check_system(patient)) == {"machine": "ok", "system": "fail"}


@pytest.mark.parametrize(("version", "state"), [((3, 8, 10), "fail"), ((3, 10, 0), "ok")])
def test_python_must_be_new_enough(
    tmp_path: Path, version: tuple[int, int, int], state: str
) -> None:
    assert states(check_python(patient_of(tmp_path, PI_4, python=version)))["python"] == state


def config_with_store(folder: Path, **fields: object) -> dict[str, object]:
    return {"camera": {"kind": "demo"}, "store": {"folder": folder, **fields}}


def test_the_disk_must_hold_the_budget_of_the_visits(tmp_path: Path) -> None:
    small = patient_of(
        tmp_path, PI_4, config=config_with_store(tmp_path / "not/yet/there", bytes_max=1_000_000)
    )
    found = told(check_disk(small))["disk"]
    assert found.state.value == "ok"
    assert str(tmp_path) in found.text
    large = patient_of(tmp_path, PI_4, config=config_with_store(tmp_path, free_bytes_min=10**18))
    assert states(check_disk(large))["disk"] == "warn"


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    patient = patient_of(tmp_path, PI_4, config=config_with_store(Path("/proc/1/task")))
    found = told(check_disk(patient))["disk"]
    assert found.state.value == "fail"


@pytest.mark.parametrize(
    ("says", "state"), [({SYNC: "yes\n"}, "ok"), ({SYNC: "no\n"}, "warn"), ({}, "skip")]
)
def test_the_clock_is_asked_for(tmp_path: Path, says: dict[str, str], state: str) -> None:
    assert states(check_clock(patient_of(tmp_path, PI_4, says=says), NOW))["clock"] == state


def test_timesyncd_leaves_a_file(tmp_path: Path) -> None:
    patient = patient_of(tmp_path, PI_4, files={"run/systemd/timesync/synchronized": ""})
    assert states(check_clock(patient, NOW))["clock"] == "ok"


def test_a_clock_in_the_past_fails(tmp_path: Path) -> None:
    past = datetime(1970, 1, 1, 0, 5, tzinfo=timezone.utc)
    patient = patient_of(tmp_path, PI_4, says={SYNC: "yes\n"})
    assert states(check_clock(patient, past))["clock"] == "fail"
