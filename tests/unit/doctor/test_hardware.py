"""The doctor on heat, supply, power mode and the button's pins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgecls.doctor.hardware import (
    check_gpio,
    check_power_mode,
    check_strain,
    check_temperature,
)
from tests.patients import patient_of, states, told
from tests.recorded_boards import JETSON_NANO, LAPTOP, ORIN_NANO, PI_4, RecordedBoard, zones

VCGENCMD = "vcgencmd get_throttled"


@pytest.mark.parametrize(
    ("value", "supply", "throttling"),
    [
        ("0x0", "ok", "ok"),
        ("0x50000", "warn", "warn"),
        ("0x50005", "fail", "warn"),
        ("0x80008", "ok", "warn"),
        ("0x10000", "warn", "ok"),
    ],
)
def test_a_pis_supply_and_heat(tmp_path: Path, value: str, supply: str, throttling: str) -> None:
    patient = patient_of(tmp_path, PI_4, says={VCGENCMD: f"throttled={value}\n"})
    assert states(check_strain(patient)) == {"supply": supply, "throttling": throttling}


def test_a_machine_that_does_not_tell(tmp_path: Path) -> None:
    assert set(states(check_strain(patient_of(tmp_path, LAPTOP))).values()) == {"skip"}
    assert set(states(check_strain(patient_of(tmp_path / "n", JETSON_NANO))).values()) == {"skip"}


@pytest.mark.parametrize(
    ("milli", "state"), [(48_000, "ok"), (70_500, "warn"), (80_000, "fail"), (84_900, "fail")]
)
def test_heat_is_compared_with_what_the_board_bears(tmp_path: Path, milli: int, state: str) -> None:
    patient = patient_of(tmp_path, PI_4, files=zones(("cpu-thermal", milli)))
    assert states(check_temperature(patient))["temperature"] == state


def test_no_sensor_is_no_fault(tmp_path: Path) -> None:
    patient = patient_of(tmp_path, RecordedBoard({}))
    assert states(check_temperature(patient)) == {"temperature": "skip"}


def test_a_power_mode_is_told_beside_the_suggested_one(tmp_path: Path) -> None:
    orin = told(check_power_mode(patient_of(tmp_path / "orin", ORIN_NANO)))["power mode"]
    assert orin.text == "MAXN_SUPER; edgecls suggests 15W for a door"
    nano = told(check_power_mode(patient_of(tmp_path / "nano", JETSON_NANO)))["power mode"]
    assert nano.text == "MAXN"
    assert told(check_power_mode(patient_of(tmp_path / "pi", PI_4))) == {}


BUTTON = {"camera": {"kind": "demo"}, "triggers": [{"kind": "button", "pin": 17}]}


def test_pins_matter_only_to_a_button(tmp_path: Path) -> None:
    assert states(check_gpio(patient_of(tmp_path, PI_4))) == {"gpio": "skip"}
    without = patient_of(tmp_path, PI_4, config=BUTTON)
    assert states(check_gpio(without)) == {"gpio": "fail"}


def test_a_button_on_pins_that_are_there(tmp_path: Path) -> None:
    pytest.importorskip("gpiozero")
    patient = patient_of(tmp_path, PI_4, config=BUTTON, files={"dev/gpiochip0": ""})
    found = told(check_gpio(patient))["gpio"]
    assert (found.state.value, found.text) == ("ok", "1 chips; the button is on GPIO17")


def test_a_jetsons_supply_is_told_by_its_counters(tmp_path: Path) -> None:
    weak = replace(
        ORIN_NANO, files={**ORIN_NANO.files, "sys/class/hwmon/hwmon3/oc1_event_cnt": "3\n"}
    )
    assert states(check_strain(patient_of(tmp_path, weak)))["supply"] == "warn"
