"""The host board reads what kernels of known machines wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls.boards.host import HostBoard
from edgecls.errors import BoardError


def recorded(root: Path, files: dict[str, str]) -> HostBoard:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return HostBoard(root)


PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48686\n",
}
LAPTOP = {
    "sys/class/dmi/id/sys_vendor": "LENOVO\n",
    "sys/class/dmi/id/product_name": "20XW0055GE\n",
    "etc/os-release": "NAME=Arch\nPRETTY_NAME='Arch Linux'\n",
    "sys/class/thermal/thermal_zone0/type": "acpitz\n",
    "sys/class/thermal/thermal_zone0/temp": "16800\n",
    "sys/class/thermal/thermal_zone1/type": "iwlwifi_1\n",
    "sys/class/thermal/thermal_zone2/type": "x86_pkg_temp\n",
    "sys/class/thermal/thermal_zone2/temp": "61000\n",
}


def test_raspberry_pi_by_its_device_tree(tmp_path: Path) -> None:
    board = recorded(tmp_path, PI)
    assert board.identity().model == "Raspberry Pi 4 Model B Rev 1.4"
    assert board.identity().system == "Debian GNU/Linux 12 (bookworm)"
    assert board.temperature_c() == 48.686


def test_laptop_by_dmi_and_the_zone_of_its_processor(tmp_path: Path) -> None:
    board = recorded(tmp_path, LAPTOP)
    assert board.identity().model == "LENOVO 20XW0055GE"
    assert board.identity().system == "Arch Linux"
    assert board.temperature_c() == 61.0


def test_zone_without_a_known_name_is_better_than_none(tmp_path: Path) -> None:
    files = {
        "sys/class/thermal/thermal_zone3/type": "CPU-therm\n",
        "sys/class/thermal/thermal_zone3/temp": "39500\n",
    }
    assert recorded(tmp_path, files).temperature_c() == 39.5


def test_machine_that_tells_nothing(tmp_path: Path) -> None:
    board = HostBoard(tmp_path)
    assert board.identity().model == "unknown machine"
    assert board.identity().system == "Linux"
    assert board.temperature_c() is None
    assert board.throttled() is None


def test_it_refuses_to_reboot_somebodys_desk(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="cannot be rebooted") as caught:
        HostBoard(tmp_path).reboot()
    assert caught.value.hint == "sudo systemctl reboot"
