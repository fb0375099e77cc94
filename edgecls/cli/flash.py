"""`edgecls flash`: a stock image becomes a card that starts as a doorbell."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from edgecls.cli import output
from edgecls.cli.flash_identity import identity_from_flags

if TYPE_CHECKING:
    from edgecls.deploy.block_device import BlockDevice
    from edgecls.deploy.flash import Prepared

DEFAULT_USER = "pi"


@dataclass(frozen=True, slots=True)
class Flashed:
    """The card, or what would be done to make it."""

    board: str
    prepared: Prepared
    device: BlockDevice | None
    files: tuple[str, ...]
    changes: tuple[str, ...]
    address: str | None
    dry_run: bool
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        prepared = self.prepared
        return {
            "board": self.board,
            "system": prepared.system.name,
            "image": None if self.device or self.dry_run else str(prepared.path),
            "device": str(self.device.path) if self.device else None,
            "written": not self.dry_run,
            "bytes": prepared.size_bytes,
            "boot_partition_bytes": prepared.card_bytes,
            "checksum_compared": prepared.checked,
            "files": list(self.files),
            "changes": list(self.changes),
            "address": self.address,
        }

    def as_text(self) -> Text:
        prepared = self.prepared
        target = str(self.device or prepared.path)
        lines = [
            f"{target}: {'would be' if self.dry_run else 'is'} {prepared.system.name} "
            f"with edgecls, {prepared.card_bytes / 1e6:.0f} MB of it on the boot partition"
        ]
        if not prepared.checked:
            lines.append("  the image was not compared with a checksum: no .sha256 beside it")
        lines += [f"  in the device's configuration, {change}" for change in self.changes]
        if self.dry_run:
            lines += [f"  boot partition: {name}" for name in self.files]
        else:
            where = self.address or "it watches, and serves no page"
            lines.append(f"put the card in and wait some minutes: {where}")
            lines.append("the first password is then on the card: edgecls-password.txt")
        return Text("\n".join(lines))


def flash(
    board: Annotated[str, typer.Argument(help="A device model: edgecls boards lists them.")],
    image: Annotated[Path, typer.Option(help="The system's image: .img, .img.xz, .zip or .gz.")],
    config: Annotated[Path, typer.Option("-c", "--config", help="The device's TOML file.")],
    out: Annotated[Path | None, typer.Option(help="Write an image file: card.img.")] = None,
    device: Annotated[
        Path | None, typer.Option(help="Or write to a card: /dev/sdX. Everything on it is lost.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Model to carry; else the one that ships with edgecls.")
    ] = None,
    wheelhouse: Annotated[
        Path | None, typer.Option(help="Of edgecls wheelhouse; else where that puts it.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="Of the image's system, where the image cannot tell.")
    ] = None,
    hostname: Annotated[str | None, typer.Option(help="Name in the network.")] = None,
    wifi_ssid: Annotated[str | None, typer.Option(help="The network's name.")] = None,
    wifi_password_file: Annotated[
        Path | None, typer.Option(help="A file with its password; the card gets a hash.")
    ] = None,
    wifi_country: Annotated[
        str | None, typer.Option(help="Two letters: the radio's rules differ.")
    ] = None,
    user: Annotated[str, typer.Option(help="Account for ssh.")] = DEFAULT_USER,
    ssh_key: Annotated[Path | None, typer.Option(help="A public key file for it.")] = None,
    user_password_file: Annotated[
        Path | None, typer.Option(help="A file with its password; the card gets a hash.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do overwrite the device.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and say what would be written.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Prepare a card: edgecls flash BOARD --image raspios.img.xz -c doorbell.toml --out card.img

    Needs no network and, for an image file, no rights of root. Without --ssh-key or
    --user-password-file nobody can log in to the device but on its page.
    """
    from edgecls.boards.firmware import load_firmware
    from edgecls.cli.progress import told_progress
    from edgecls.deploy.block_device import write_and_compare
    from edgecls.deploy.device_config import device_config, page_address
    from edgecls.deploy.flash import Prepared, Steps, card_image, write_payload
    from edgecls.deploy.locks import target_of
    from edgecls.deploy.payload import make_payload
    from edgecls.deploy.wheelhouse import default_folder, open_wheelhouse

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    firmware = load_firmware(board)
    disk = _checked_target(out, device, yes=yes or dry_run)
    described = device_config(config, firmware, board=board, bundle=bundle)
    identity, warnings = identity_from_flags(
        hostname=hostname, user=user, ssh_key=ssh_key, user_password_file=user_password_file,
        wifi_ssid=wifi_ssid, wifi_password_file=wifi_password_file, wifi_country=wifi_country,
    )  # fmt: skip
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)

    with (
        told_progress(console, quiet=json) as teller,
        _place(out, dry_run=dry_run) as (place, scratch),
    ):
        steps = Steps(unpacking=teller("unpacking"), checking=teller("comparing the checksum"))
        with card_image(image, place, firmware, board=board, steps=steps, python=python) as (
            fat,
            system,
            checked,
        ):
            target = target_of(firmware, system)
            folder = wheelhouse or default_folder(target)
            house = open_wheelhouse(folder, target, board=board)
            payload = make_payload(
                scratch, house, described, identity,
                firmware=firmware, image=system, instance=f"edgecls-{secrets.token_hex(6)}",
            )  # fmt: skip
            card_bytes = write_payload(fat, payload)
        prepared = Prepared(place, system, place.stat().st_size, card_bytes, checked)
        if disk and not dry_run:
            _check_same_disk(disk)
            console.print(f"writing to {disk}")
            write_and_compare(
                place, disk.path, size_bytes=disk.size_bytes, told=teller("writing and comparing")
            )
    address = page_address(described.config, identity.hostname)
    names = tuple(sorted(payload.files))
    result = Flashed(board, prepared, disk, names, described.changes, address, dry_run)
    output.emit(result, as_json=json)


def _check_same_disk(disk: BlockDevice) -> None:
    """Look again: unpacking takes minutes, and another disk may be in the card's place by now."""
    from edgecls.deploy.block_device import examine
    from edgecls.errors import ConfigError

    now = examine(disk.path)
    if now != disk:
        raise ConfigError(
            f"{disk.path} is {now} now, and it was {disk}", hint="run the command again"
        )


def _checked_target(out: Path | None, device: Path | None, *, yes: bool) -> BlockDevice | None:
    """Return the device to write to, None for an image file.

    Raises:  ConfigError unless exactly one is given and may be overwritten.
    """
    from edgecls.deploy.block_device import examine
    from edgecls.errors import ConfigError

    if (out is None) == (device is None):
        raise ConfigError(
            "give either --out or --device",
            hint="--out card.img writes a file, --device /dev/sdX a card",
        )
    if device is not None:
        disk = examine(device)
        if not yes:
            raise ConfigError(
                f"everything on {disk} will be lost, expected --yes",
                hint=f"is it the card? then add: --device {device} --yes",
            )
        return disk
    if out is not None and out.is_block_device():
        raise ConfigError(f"--out {out} is a device", hint=f"--device {out}")
    return None


@contextmanager
def _place(out: Path | None, *, dry_run: bool) -> Iterator[tuple[Path, Path]]:
    """Give the file to prepare, and a folder for what goes into it, which is removed at the end."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:  # noqa: S108
        (Path(folder) / "payload").mkdir()
        place = Path(folder, "card.img") if out is None or dry_run else out
        yield place, Path(folder, "payload")
