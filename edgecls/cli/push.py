"""`edgecls push`: bring this version to a device over ssh, or take it back."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from edgecls.cli import output

if TYPE_CHECKING:
    from edgecls.deploy.push import Pushed


@dataclass(frozen=True, slots=True)
class PushResult:
    """What runs on the device now."""

    host: str
    pushed: Pushed
    commands: tuple[str, ...]
    dry_run: bool
    new: bool = False
    rollback: bool = False
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "release": self.pushed.release,
            "before": self.pushed.before,
            "installed": self.pushed.installed,
            "notes": list(self.pushed.notes),
            "commands": list(self.commands),
            "dry_run": self.dry_run,
        }

    def as_text(self) -> Text:
        if self.dry_run:
            return Text("\n".join(["nothing was done; these would run:", *self.commands]))
        before = f" (before: {self.pushed.before})" if self.pushed.before else ""
        lines = [f"{self.host} runs {self.pushed.release}{before} and is well"]
        lines += self.pushed.notes if self.rollback else ()  # a push has told its own on the way
        if self.new:
            command = f"ssh {self.host} sudo cat /var/lib/edgecls/first-password"
            lines.append(f"the page's first password: {command}")
        return Text("\n".join(lines))


def push(
    host: Annotated[str, typer.Argument(help="As ssh takes it: pi@front-door.local")],
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="The device's TOML file; else it stays.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Model to carry; needs -c.")] = None,
    wheelhouse: Annotated[
        Path | None, typer.Option(help="Of edgecls wheelhouse; else where that puts it.")
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="A device model, if the device does not tell it.")
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Return to the version before this one.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the device, and print the commands only.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Install this version on a device and try it there: edgecls push pi@front-door.local

    The old version stays beside it and runs again by itself if the new one is not well within three
    minutes. The account needs ssh with a key, and sudo without a password (or be root).
    """
    from dataclasses import replace

    from edgecls.boards.firmware import key_from_device_tree, load_firmware
    from edgecls.deploy import push as pushing
    from edgecls.deploy.device_config import device_config
    from edgecls.deploy.device_state import ask_device
    from edgecls.deploy.locks import image_for_python, target_of
    from edgecls.deploy.ssh import Remote
    from edgecls.deploy.wheelhouse import default_folder, open_wheelhouse
    from edgecls.errors import ConfigError

    if bundle is not None and config is None:
        raise ConfigError("--bundle needs -c: the configuration names the model")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    commands: list[str] = []

    def told(line: str) -> None:
        console.print(line, markup=False)

    remote = Remote(host, commands.append, dry=dry_run)
    state = ask_device(remote)
    remote = replace(remote, root=state.root)
    if rollback:
        pushed = pushing.roll_back(remote, state)
        result = PushResult(host, pushed, tuple(commands), dry_run, rollback=True)
        output.emit(result, as_json=json)
        return
    key = board or key_from_device_tree(state.model, state.compatible) or f"generic-{state.arch}"
    firmware = load_firmware(key)
    image = image_for_python(firmware, state.python, board=key)
    target = replace(target_of(firmware, image), glibc=state.glibc)
    house = open_wheelhouse(wheelhouse or default_folder(target), target, board=key)
    described = device_config(config, firmware, board=key, bundle=bundle) if config else None
    with tempfile.TemporaryDirectory() as folder:
        pushed = pushing.push(
            remote, state, house, Path(folder), firmware=firmware, config=described, told=told
        )
    new = not state.has_config
    output.emit(PushResult(host, pushed, tuple(commands), dry_run, new), as_json=json)
