"""A Jetson's readings, from recorded files and outputs of R32 and R36."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls.boards.jetson import JetsonBoard
from edgecls.boards.strain import Strain
from tests.recorded_boards import JETSON_NANO, ORIN_NANO, RecordedBoard


def the_board(root: Path, recorded: RecordedBoard, **changed: str) -> JetsonBoard:
    return JetsonBoard(recorded.laid_out(root, **changed), run=recorded.run)


def test_orin_says_its_model_and_its_system(tmp_path: Path) -> None:
    board = the_board(tmp_path, ORIN_NANO)
    assert "Jetson Orin Nano" in board.identity().model
    assert board.identity().system == "Ubuntu 22.04.5 LTS, Jetson Linux 36.4.3"
    assert board.temperature_c() == 48.062
    assert board.power_mode() == "MAXN_SUPER"
    assert board.strain() == Strain((), ())
    assert board.throttled() is False


def test_nano_has_a_zone_that_is_no_sensor_and_no_alerts(tmp_path: Path) -> None:
    board = the_board(tmp_path, JETSON_NANO)
    assert board.identity().system == "Ubuntu 18.04.6 LTS, Jetson Linux 32.7.1"
    assert board.temperature_c() == 37.5
    assert board.power_mode() == "MAXN"
    assert board.strain() is None
    assert board.throttled() is None


def test_an_alert_of_the_kernel_is_throttling(tmp_path: Path) -> None:
    board = the_board(tmp_path, ORIN_NANO)
    alert = tmp_path / "sys/class/thermal/cooling_device2/cur_state"
    alert.write_text("1\n")
    assert board.throttled() is True
    assert board.strain() == Strain(("GPU throttled by heat",), ("GPU throttled by heat",))


def test_over_current_counts_for_the_time_since_the_start(tmp_path: Path) -> None:
    board = the_board(tmp_path, ORIN_NANO, oc1_event_cnt="2\n", oc3_event_cnt="37\n")
    assert board.strain() == Strain((), ("under-voltage", "peak over-current"))
    assert board.throttled() is False


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref\n", (32, 7, 1)),
        ("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n", (36, 4, 3)),
        ("# R35 (release), REVISION: 2, GCID: 1\n", (35, 2, 0)),
        ("something else\n", None),
    ],
)
def test_the_release_file_tells_the_version(
    tmp_path: Path, line: str, version: tuple[int, ...] | None
) -> None:
    linux = the_board(tmp_path, ORIN_NANO, nv_tegra_release=line).jetson_linux()
    assert (linux.release if linux else None) == version


def test_a_power_mode_that_no_file_names_is_asked_for(tmp_path: Path) -> None:
    files = {k: v for k, v in ORIN_NANO.files.items() if k != "etc/nvpmodel.conf"}
    silent = RecordedBoard(files)
    asked = RecordedBoard(
        files, {"nvpmodel -q": "NVPM WARN: fan mode is not set!\nNV Power Mode: 15W\n0\n"}
    )
    assert the_board(tmp_path, silent).power_mode() is None
    assert the_board(tmp_path, asked).power_mode() == "15W"


def test_a_container_without_device_tree_is_still_a_jetson(tmp_path: Path) -> None:
    only = {"etc/nv_tegra_release": ORIN_NANO.files["etc/nv_tegra_release"]}
    assert the_board(tmp_path, RecordedBoard(only)).identity().model == "NVIDIA Jetson"
