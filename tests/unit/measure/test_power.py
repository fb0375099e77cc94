"""Power is read from the meters that a machine has, and is unknown everywhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecls.measure.power import (
    SAMPLES_MIN,
    Ina3221Meter,
    RaplMeter,
    find_meter,
    module_rails,
    powered,
)

ORIN_NANO = {
    "name": "ina3221",
    "in1_label": "VDD_IN", "in1_input": "5080", "curr1_input": "1504",
    "in2_label": "VDD_CPU_GPU_CV", "in2_input": "5072", "curr2_input": "376",
    "in3_label": "VDD_SOC", "in3_input": "5072", "curr3_input": "296",
    "in7_label": "sum of shunt voltages", "in7_input": "4", "curr4_input": "2176",
}  # fmt: skip
"""An Orin Nano's hwmon folder under JetPack 6: millivolts and milliamperes."""

AGX_ORIN = (
    {
        "name": "ina3221",
        "in1_label": "VDD_GPU_SOC", "in1_input": "19800", "curr1_input": "200",
        "in2_label": "VDD_CPU_CV", "in2_input": "19800", "curr2_input": "50",
        "in3_label": "VIN_SYS_5V0", "in3_input": "5000", "curr3_input": "900",
    },
    {
        "name": "ina3221",
        "in1_label": "NC",
        "in2_label": "VDDQ_VDD2_1V8AO", "in2_input": "5000", "curr2_input": "100",
    },
)  # fmt: skip

NANO = {
    "name": "ina3221x",
    "rail_name_0": "POM_5V_IN", "in_power0_input": "2150",
    "rail_name_1": "POM_5V_GPU", "in_power1_input": "41",
    "rail_name_2": "POM_5V_CPU", "in_power2_input": "620",
}  # fmt: skip
"""A Nano's iio folder under JetPack 4: milliwatts."""


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")


class Counted:
    """Tell when a rail has been read often enough."""

    def __init__(self, read: Callable[[], float | None]) -> None:
        self._read, self._count, self.enough = read, 0, threading.Event()

    def __call__(self) -> float | None:
        self._count += 1
        if self._count > SAMPLES_MIN:
            self.enough.set()
        return self._read()


def test_a_machine_without_a_meter_has_no_figure(tmp_path: Path) -> None:
    assert find_meter(tmp_path) is None
    assert powered(lambda: "done", root=tmp_path) == ("done", None)
    _write(tmp_path / "sys/class/hwmon/hwmon0", {"name": "coretemp", "in1_label": "VDD_IN"})
    assert find_meter(tmp_path) is None


def test_an_orin_nano_tells_what_its_module_draws(tmp_path: Path) -> None:
    _write(tmp_path / "sys/class/hwmon/hwmon2", ORIN_NANO)
    rails = module_rails(tmp_path)
    assert list(rails) == ["VDD_IN"]
    read = Counted(rails["VDD_IN"])
    with Ina3221Meter({"VDD_IN": read}, every_s=0.001) as meter:
        assert read.enough.wait(10)
    assert meter.power is not None
    assert meter.power.watts == pytest.approx(5.080 * 1.504)
    assert meter.power.source == "INA3221 VDD_IN"


def test_an_agx_orins_supplies_are_added_up(tmp_path: Path) -> None:
    for place, files in enumerate(AGX_ORIN):
        _write(tmp_path / f"sys/class/hwmon/hwmon{place}", files)
    rails = module_rails(tmp_path)
    assert list(rails) == ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"]
    watts = [read() for read in rails.values()]
    assert watts == pytest.approx([3.96, 0.99, 4.5])


def test_a_first_nano_is_read_in_the_older_way(tmp_path: Path) -> None:
    _write(tmp_path / "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0", NANO)
    rails = module_rails(tmp_path)
    assert {name: read() for name, read in rails.items()} == {"POM_5V_IN": 2.15}


def test_rails_of_parts_alone_give_no_figure(tmp_path: Path) -> None:
    files = {key: value for key, value in ORIN_NANO.items() if "1_" not in key}
    _write(tmp_path / "sys/class/hwmon/hwmon2", files)
    assert module_rails(tmp_path) == {}


def test_a_rail_that_fails_meanwhile_gives_no_figure(tmp_path: Path) -> None:
    answers = iter([1.0, None])
    read = Counted(lambda: next(answers, 1.0))
    with Ina3221Meter({"VDD_IN": read}, every_s=0.001) as meter:
        assert read.enough.wait(10)
    assert meter.power is None


@pytest.mark.parametrize(
    ("after", "span", "watts"),
    [("7000000", "262143328850", 3.0), ("500000", "2000000", 0.75), ("500000", "", None)],
)
def test_packages_are_counted_and_a_wrapped_counter_mended(
    tmp_path: Path, after: str, span: str, watts: float | None
) -> None:
    zone = tmp_path / "sys/class/powercap/intel-rapl:0"
    _write(zone, {"name": "package-0", "energy_uj": "1000000", "max_energy_range_uj": span})
    _write(zone.with_name("intel-rapl:0:0"), {"name": "core", "energy_uj": "5"})
    ticks = iter([10.0, 12.0])
    with RaplMeter(RaplMeter.zones(tmp_path), clock=lambda: next(ticks)) as meter:
        (zone / "energy_uj").write_text(after)
    assert (meter.power.watts if meter.power else None) == watts
    if meter.power:
        assert meter.power.source == "RAPL package-0"


def test_a_counter_that_may_not_be_read_is_no_meter(tmp_path: Path) -> None:
    _write(tmp_path / "sys/class/powercap/intel-rapl:0", {"name": "package-0"})
    assert find_meter(tmp_path) is None
