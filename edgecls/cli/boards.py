"""`edgecls boards`: the device models that edgecls knows, and what each can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from edgecls.cli import output

if TYPE_CHECKING:
    from edgecls.sections.firmware import Firmware, ImageSection

HEADER = ("board", "what it is", "cameras of its own", "judges with", "int8", "set up by")
FIRST_BOOTS = {
    "cloud-init": "edgecls flash",
    "custom-toml": "edgecls flash",
    "none": "edgecls push",
}


@dataclass(frozen=True, slots=True)
class BoardList:
    """Every device model, a line each.

    Args:    boards: by key.   here: the key of the machine we run on, None if it is none of them.
    """

    boards: Mapping[str, Firmware]
    here: str | None
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "here": self.here,
            "boards": [board_json(key, firmware) for key, firmware in self.boards.items()],
        }

    def as_text(self) -> Group:
        rows: list[tuple[str, ...]] = [HEADER]
        rows += [_row(key, firmware) for key, firmware in self.boards.items()]
        lines = output.aligned(rows)
        for key, line in zip(self.boards, lines[1:], strict=True):
            line.stylize("bold cyan", 0, len(key))
        last = Text("\nMore of one: edgecls boards raspberry-pi-5")
        here = [Text(f"\nThis machine is a {self.here}.")] if self.here else []
        return Group(*lines, *here, last)


@dataclass(frozen=True, slots=True)
class BoardDetails:
    """One device model."""

    key: str
    firmware: Firmware
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"board": board_json(self.key, self.firmware)}

    def as_text(self) -> Group:
        firmware = self.firmware
        rows = [
            ("board", self.key),
            ("cameras", ", ".join(firmware.camera.kinds)),
            ("judges with", f"{', '.join(firmware.runtimes_as_it_comes)}, in this order"),
            ("int8", _int8(firmware)),
            ("CPU threads", str(firmware.inference.threads)),
            ("button", _button(firmware)),
            ("power mode", firmware.power.nvpmodel or "the system's own"),
            (
                "temperature",
                f"doctor warns above {firmware.temperature.warn_c:g} C, "
                f"too hot from {firmware.temperature.limit_c:g} C on",
            ),
            ("packages", " ".join(firmware.packages)),
            *(("config.txt", line) for line in firmware.boot.config_txt),
            *(("unit", unit) for unit in firmware.systemd.units),
            *(("file", drop_in.path) for drop_in in firmware.systemd.drop_ins),
        ]
        images: list[tuple[str, ...]] = [("operating system", "Python", "TensorRT", "set up by")]
        images += [_image_row(image) for image in firmware.images]
        notes = [Text(f"- {note}") for note in firmware.notes]
        return Group(
            Text(firmware.name, style="bold"),
            *output.aligned(rows, header=False),
            Text(),
            *output.aligned(images),
            *([Text(), *notes] if notes else []),
        )


def boards(
    board: Annotated[
        str | None, typer.Argument(help="Tell all of one; without it, list them.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the device models and what each can do."""
    from edgecls.boards.firmware import firmware_here, firmware_keys, load_firmware

    if board is not None:
        output.emit(BoardDetails(board, load_firmware(board)), as_json=json)
        return
    known = {key: load_firmware(key) for key in firmware_keys()}
    output.emit(BoardList(known, firmware_here()), as_json=json)


def board_json(key: str, firmware: Firmware) -> dict[str, Any]:
    """Return one device model for programs: its file, and the word it goes by."""
    return {"key": key, **firmware.model_dump(mode="json")}


def _row(key: str, firmware: Firmware) -> tuple[str, ...]:
    own = [kind for kind in firmware.camera.kinds if kind in ("picamera", "jetson_csi", "v4l2")]
    ways = list(dict.fromkeys(map(_set_up_by, firmware.images)))
    return (
        key,
        firmware.name,
        ", ".join(own),
        ", ".join(firmware.runtimes_as_it_comes),
        _int8(firmware),
        ", ".join(ways),
    )


def _image_row(image: ImageSection) -> tuple[str, ...]:
    python = f"{image.python}, too old for edgecls" if image.container else image.python
    tensorrt = image.tensorrt or "-"
    if image.tensorrt_too_old:
        tensorrt += ", too old for edgecls"
    elif image.tensorrt and image.container:
        tensorrt += f", for Python {image.python}"
    return image.name, python, tensorrt, _set_up_by(image)


def _set_up_by(image: ImageSection) -> str:
    return "container" if image.container else FIRST_BOOTS[image.first_boot]


def _int8(firmware: Firmware) -> str:
    return "yes" if firmware.inference.int8 else "on the CPU, not in its GPU"


def _button(firmware: Firmware) -> str:
    button = firmware.button
    if button is None:
        return "no pin known"
    return (
        f"between pin {button.header_pin} of the header (GPIO{button.gpio}) and ground; "
        f"line {button.line} of {button.chip}"
    )
