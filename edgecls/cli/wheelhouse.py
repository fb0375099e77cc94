"""`edgecls wheelhouse`: collect the wheels that a board installs without a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from edgecls.cli import output

if TYPE_CHECKING:
    from edgecls.deploy.wheelhouse import Wheelhouse


@dataclass(frozen=True, slots=True)
class WheelhouseResult:
    """The folder that was filled."""

    house: Wheelhouse
    board: str
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.house.folder),
            "python": self.house.target.python,
            "arch": self.house.target.arch,
            "edgecls": self.house.version,
            "wheels": len(self.house.files),
            "bytes": self.house.size_bytes,
        }

    def as_text(self) -> Text:
        house = self.house
        return Text(
            f"{house.folder}: {len(house.files)} wheels, {house.size_bytes / 1e6:.0f} MB, for "
            f"Python {house.target.python} on {house.target.arch}\n"
            f"next: edgecls flash {self.board} --image IMAGE --config doorbell.toml "
            f"--wheelhouse {house.folder} --out card.img"
        )


def wheelhouse(
    board: Annotated[str, typer.Argument(help="A device model: edgecls boards lists them.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to fill; else where edgecls flash looks for it.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="Of the board's system: 3.13 for Trixie, 3.11 for Bookworm.")
    ] = None,
    extra: Annotated[
        str | None, typer.Option(help='"demo" adds the sample photographs of edgecls demo.')
    ] = None,
    wheel: Annotated[
        Path | None, typer.Option(help="Of edgecls; else it is built from this checkout.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Download a board's wheels, once, with a network: edgecls wheelhouse raspberry-pi-5

    Which wheels is written down in lock files, each with its SHA-256; pip takes no other.
    """
    from edgecls.boards.firmware import load_firmware
    from edgecls.deploy.locks import image_for_python, lock_path, target_of
    from edgecls.deploy.wheel_download import make_wheelhouse
    from edgecls.deploy.wheelhouse import default_folder

    firmware = load_firmware(board)
    target = target_of(firmware, image_for_python(firmware, python, board=board))
    lock = lock_path(target, extra)
    console = Console(stderr=True)
    house = make_wheelhouse(
        out or default_folder(target),
        target,
        lock,
        wheel=wheel,
        told=lambda line: console.print(line, highlight=False),
    )
    output.emit(WheelhouseResult(house, board), as_json=json)
