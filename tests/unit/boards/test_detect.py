"""The board is chosen by what the machine says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls.boards.detect import board_here, board_key
from edgecls.boards.firmware import firmware_here
from tests.recorded_boards import EVERY_BOARD, ORIN_NANO

ROWS = {
    "raspberry-pi-4": "raspberry_pi",
    "raspberry-pi-zero-2w": "raspberry_pi",
    "jetson-orin-nano": "jetson",
    "jetson-nano": "jetson",
    "laptop": "host",
}


@pytest.mark.parametrize("name", ROWS)
def test_a_recorded_machine_gets_its_row(tmp_path: Path, name: str) -> None:
    root = EVERY_BOARD[name].laid_out(tmp_path)
    assert board_key(root) == ROWS[name]
    assert firmware_here(root) == (None if name == "laptop" else name)
    with board_here(root) as board:
        assert board.identity().model != "unknown machine"


def test_a_jetson_is_known_inside_a_container(tmp_path: Path) -> None:
    release = tmp_path / "etc/nv_tegra_release"
    release.parent.mkdir()
    release.write_text(ORIN_NANO.files["etc/nv_tegra_release"])
    assert board_key(tmp_path) == "jetson"


def test_an_empty_machine_is_a_host(tmp_path: Path) -> None:
    assert board_key(tmp_path) == "host"
    assert firmware_here(tmp_path) is None
