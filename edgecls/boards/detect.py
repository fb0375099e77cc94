"""Choose the board by what the machine says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgecls import plugins
from edgecls.boards import BOARDS
from edgecls.boards.device_tree import device_tree

if TYPE_CHECKING:
    from edgecls.boards.host import HostBoard


def board_key(root: Path = Path("/")) -> str:
    """Return the row of the board table that fits this machine.

    Args:    root: the folder that stands for "/".
    """
    tree = device_tree(root)
    if tree.model.startswith("Raspberry Pi"):
        return "raspberry_pi"
    # A container sees no device tree, but NVIDIA's runtime shows it the release file.
    if (root / "etc/nv_tegra_release").exists() or any(
        "nvidia,tegra" in w for w in tree.compatible
    ):
        return "jetson"
    return "host"


def board_here(root: Path = Path("/")) -> HostBoard:
    """Return this machine's board; enter it before use."""
    board: HostBoard = plugins.load("board", BOARDS, board_key(root))(root)
    return board
