"""A Raspberry Pi's readings, from recorded files and outputs."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edgecls.boards.raspberry_pi import RaspberryPiBoard
from edgecls.boards.strain import Strain
from edgecls.errors import BoardError
from tests.recorded_boards import PI_4, PI_THROTTLED, PI_ZERO_2W, RecordedBoard


def the_board(root: Path, recorded: RecordedBoard) -> RaspberryPiBoard:
    return RaspberryPiBoard(recorded.laid_out(root), run=recorded.run)


def test_it_says_what_it_is_and_how_warm(tmp_path: Path) -> None:
    board = the_board(tmp_path, PI_4)
    assert board.identity().model == "Raspberry Pi 4 Model B Rev 1.4"
    assert board.identity().system == "Debian GNU/Linux 12 (bookworm)"
    assert board.temperature_c() == 48.686
    assert board.power_mode() is None


# The documentation's own examples, and each bit alone.
VALUES: dict[str, tuple[bool, Strain]] = {
    "0x0": (False, Strain((), ())),
    "0x1": (True, Strain(("under-voltage",), ("under-voltage",))),
    "0x2": (True, Strain(("frequency capped",), ("frequency capped",))),
    "0x4": (True, Strain(("throttled by heat",), ("throttled by heat",))),
    "0x8": (True, Strain(("soft temperature limit",), ("soft temperature limit",))),
    "0x50000": (False, Strain((), ("under-voltage", "throttled by heat"))),
    "0x50005": (
        True,
        Strain(("under-voltage", "throttled by heat"), ("under-voltage", "throttled by heat")),
    ),
    "0x80008": (True, Strain(("soft temperature limit",), ("soft temperature limit",))),
    "0xe0000": (
        False,
        Strain((), ("frequency capped", "throttled by heat", "soft temperature limit")),
    ),
}


@pytest.mark.parametrize("value", VALUES)
def test_vcgencmd_tells_what_holds_the_clock_down(tmp_path: Path, value: str) -> None:
    recorded = replace(PI_4, says={"vcgencmd get_throttled": f"throttled={value}\n"})
    board = the_board(tmp_path, recorded)
    throttled, strain = VALUES[value]
    assert board.strain() == strain
    assert board.throttled() is throttled


def test_the_kernels_file_is_taken_before_the_program(tmp_path: Path) -> None:
    board = the_board(tmp_path, PI_ZERO_2W)  # there is no vcgencmd on this one
    assert board.strain() == VALUES["0x50005"][1]
    (tmp_path / PI_THROTTLED).write_text("0\n")
    assert board.throttled() is False


@pytest.mark.parametrize(
    "said", ["", 'error=1 error_msg="Command not registered"\n', "VCHI failed"]
)
def test_words_that_are_no_value_are_no_reading(tmp_path: Path, said: str) -> None:
    board = the_board(tmp_path, replace(PI_4, says={"vcgencmd get_throttled": said}))
    assert board.throttled() is None


def test_a_program_that_fails_is_asked_once(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    def refuse(command: tuple[str, ...], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        raise subprocess.CalledProcessError(255, command, "", "VCHI initialization failed")

    board = RaspberryPiBoard(PI_4.laid_out(tmp_path), run=refuse)
    assert [board.throttled(), board.throttled()] == [None, None]
    assert asked == [("vcgencmd", "get_throttled")]


def test_it_restarts_itself_when_told_to(tmp_path: Path) -> None:
    allowed = RecordedBoard(PI_4.files, {"systemctl reboot": ""})
    the_board(tmp_path, allowed).reboot()
    with pytest.raises(BoardError, match="refused to restart"):
        the_board(tmp_path, PI_4).reboot()
