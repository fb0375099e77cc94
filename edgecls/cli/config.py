"""`edgecls config`: check a device's file, print what may stand in one."""

from __future__ import annotations

import json as json_module
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from edgecls.cli import config_network, output
from edgecls.errors import ConfigError

app = typer.Typer(help="Check a device's configuration, or see what may stand in one.")
app.command("network")(config_network.network)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What is wrong with a file; nothing when `errors` is empty.

    Args:    camera: the first one's kind.   cameras: the names of all.
    """

    file: Path
    camera: str | None
    cameras: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return ConfigError.exit_code if self.errors else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "file": str(self.file),
            "ok": not self.errors,
            "camera": self.camera,
            "cameras": list(self.cameras),
            "errors": list(self.errors),
        }

    def as_text(self) -> Text:
        if len(self.cameras) == 1:
            return Text(f"{self.file}: ok, camera {self.camera}")
        return Text(f"{self.file}: ok, cameras {', '.join(self.cameras)}")


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="The TOML file.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell every error of a file at once; exit code 2 when there is one."""
    from edgecls import config

    try:
        checked = config.load(file)
    except ConfigError as error:
        if not json:
            raise
        output.emit(CheckResult(file, None, (), config.faults(error)), as_json=True)
    else:
        names = tuple(camera.name for camera in checked.cameras)
        output.emit(CheckResult(file, checked.camera.kind, names, ()), as_json=json)


@app.command("schema")
def schema() -> None:
    """Print the JSON schema: every field with its default, bounds and meaning."""
    from edgecls.config import Config

    typer.echo(json_module.dumps(Config.model_json_schema(), indent=2))


@app.command("example")
def example(
    camera: Annotated[str, typer.Option(help="The kind of camera to write it for.")] = "rtsp",
) -> None:
    """Print a whole file with every field explained: edgecls config example > doorbell.toml"""
    from edgecls.cli.config_example import example_toml

    typer.echo(example_toml(camera), nl=False)
