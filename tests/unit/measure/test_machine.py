"""A machine is read from files; what is not there is unknown."""

from __future__ import annotations

from pathlib import Path

from edgecls.boards.host import HostBoard
from edgecls.measure.machine import Machine

CPUINFO = """processor\t: 0
model name\t: Intel(R) N100
flags\t\t: fpu sse avx2 avx_vnni

processor\t: 1
model name\t: Intel(R) N100
"""


def _machine(root: Path) -> Machine:
    return Machine(root, board=HostBoard(root))


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_machine_that_tells_nothing_is_not_guessed(tmp_path: Path) -> None:
    state = _machine(tmp_path).state()
    assert (state.temperature_c, state.throttled, state.governor) == (None, None, None)
    assert (state.frequency_mhz, state.busy_s) == (None, None)
    device = _machine(tmp_path).device()
    assert device.cpu_flags == ()
    assert device.memory_mb == 0
    assert device.libraries["numpy"]


def test_a_recorded_machine_is_read(tmp_path: Path) -> None:
    _write(tmp_path, "proc/cpuinfo", CPUINFO)
    _write(tmp_path, "proc/meminfo", "MemTotal:        8038400 kB\n")
    _write(tmp_path, "proc/stat", "cpu  100 20 30 4000 50 6 4 0 0 0\ncpu0 1 2 3\n")
    cpu = "sys/devices/system/cpu"
    _write(tmp_path, f"{cpu}/cpu0/cpufreq/scaling_governor", "ondemand\n")
    _write(tmp_path, f"{cpu}/cpu0/cpufreq/scaling_cur_freq", "1800000\n")
    _write(tmp_path, f"{cpu}/cpu0/thermal_throttle/core_throttle_count", "2\n")
    _write(tmp_path, f"{cpu}/cpu1/thermal_throttle/core_throttle_count", "3\n")
    state, device = _machine(tmp_path).state(), _machine(tmp_path).device()
    assert (state.governor, state.frequency_mhz) == ("ondemand", 1800.0)
    assert state.throttle_count == 5
    assert state.busy_s == 160 / 100  # user, nice, system, irq, softirq at 100 ticks a second
    assert (device.cpu, device.memory_mb) == ("Intel(R) N100", 7850)
    assert device.cpu_flags == ("avx2", "avx_vnni")
    assert not device.virtual
