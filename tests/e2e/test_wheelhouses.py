"""Both Pythons of Raspberry Pi OS: an aarch64 board's wheels are all there, as they were locked."""

from __future__ import annotations

import zipfile

import pytest

from edgecls import __version__
from edgecls.deploy.wheelhouse import open_wheelhouse
from tests.device_wheels import device_wheels

BOARD = "raspberry-pi-4"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_a_wheelhouse_resolves_for_aarch64(python: str) -> None:
    house = device_wheels(python, extra=None, board=BOARD)
    again = open_wheelhouse(house.folder, house.target, board=BOARD)
    assert again.files == house.files
    compiled = [name for name in house.files if not name.endswith("none-any.whl")]
    assert compiled
    assert all(name.endswith("aarch64.whl") for name in compiled)
    assert house.release.startswith(f"{__version__}-")
    own = house.folder / f"edgecls-{__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(own).namelist()
    assert "edgecls/firmware_configs/first_boot/edgecls-first-boot" in names
