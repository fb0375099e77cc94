"""Telling images apart by what lies on their boot partition."""

from __future__ import annotations

import pytest

from edgecls.boards.firmware import load_firmware
from edgecls.deploy.recognise import BootFolder
from tests.card_images import PI_FILES, TRIXIE_FILES

BOOKWORM, TRIXIE = BootFolder(frozenset(PI_FILES)), BootFolder(frozenset(TRIXIE_FILES))


def test_the_dialect_is_told_by_looking() -> None:
    assert (TRIXIE.dialect, BOOKWORM.dialect) == ("cloud-init", "custom-toml")
    assert BootFolder(frozenset({"EFI"})).dialect == "none"


def test_a_32_bit_system_has_older_kernels_too() -> None:
    assert BootFolder(frozenset({*PI_FILES, "kernel7.img", "kernel7l.img"})).only_32_bit
    assert not TRIXIE.only_32_bit


@pytest.mark.parametrize(
    ("board", "trees", "starts"),
    [
        ("raspberry-pi-4", ["bcm2711-rpi-4-b.dtb"], True),
        ("raspberry-pi-5", ["bcm2711-rpi-4-b.dtb"], False),
        ("raspberry-pi-5", ["bcm2712-rpi-5-b.dtb"], True),
        ("raspberry-pi-3", ["bcm2710-rpi-3-b.dtb"], True),
        ("raspberry-pi-zero-2w", ["bcm2710-rpi-zero-2-w.dtb"], True),
        ("generic-aarch64", ["bcm2711-rpi-4-b.dtb"], True),
        ("raspberry-pi-4", [], True),
    ],
)
def test_an_image_starts_the_boards_whose_device_trees_it_has(
    board: str, trees: list[str], starts: bool
) -> None:
    assert BootFolder(frozenset(trees)).starts(load_firmware(board).compatible) is starts
