"""Every board, and the fake: it says what it is and never invents a reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from edgecls import plugins
from edgecls.boards import BOARDS
from edgecls.boards.detect import board_key
from edgecls.ports import Board
from edgecls.testing.board import FakeBoard
from tests.recorded_boards import EVERY_BOARD

MAKERS: dict[str, Callable[[], Board]] = {
    **{key: plugins.load("board", BOARDS, key) for key in BOARDS},
    "fake": FakeBoard,
}


@pytest.fixture(params=[*MAKERS, *EVERY_BOARD])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    """Return each row of the table on this machine, and each recorded machine by its own row."""
    make = MAKERS.get(request.param)
    if make is None:
        recorded = EVERY_BOARD[request.param]
        root = recorded.laid_out(tmp_path)
        row = plugins.load("board", BOARDS, board_key(root))
        make = partial(row, root, run=recorded.run)
    with make() as opened:
        yield opened


def test_it_keeps_the_contract(board: Board) -> None:
    assert isinstance(board, Board)


def test_identity_is_words_for_people(board: Board) -> None:
    identity = board.identity()
    for word in (identity.model, identity.system, identity.machine):
        assert word
        assert word == word.strip()
        assert word.isprintable()


def test_temperature_is_celsius_or_nothing(board: Board) -> None:
    temperature = board.temperature_c()
    assert temperature is None or -40 < temperature < 125


def test_throttled_is_yes_no_or_unknown(board: Board) -> None:
    assert board.throttled() in (True, False, None)


def test_close_may_be_called_twice(board: Board) -> None:
    board.close()
    board.close()
