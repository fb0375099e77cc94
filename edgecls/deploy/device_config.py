"""Make the configuration that a person wrote on a workstation fit the device it is written for."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from edgecls import config as configuration
from edgecls.bundle.open import shipped_names
from edgecls.config import Config
from edgecls.errors import ConfigError
from edgecls.sections.firmware import Firmware

FOLDER = "/etc/edgecls"
STORE = "/var/lib/edgecls"
FIRST_PASSWORD = f"{STORE}/first-password"
BUNDLE = "model.edgecls"
FILE_FIELDS = ("bundle", "certificate", "key")
"""Fields that name a file of their own, besides all that end in _file."""

HEAD = (
    "# Written by edgecls flash from the file that you gave it; comments are lost on the way.\n\n"
)


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """What lies in /etc/edgecls on the device.

    Args:    config: as the device will read it.   text: of doorbell.toml.
             files: name below that folder -> file on this machine.
             changes: what was put in or changed, in words.
    """

    config: Config
    text: str
    files: dict[str, Path]
    changes: tuple[str, ...]


def device_config(
    path: Path, firmware: Firmware, *, board: str, bundle: Path | None
) -> DeviceConfig:
    """Check a configuration for a board, and make its paths those of the device.

    Args:    bundle: to carry along and use; None leaves the configuration's own.
    Raises:  ConfigError for every fault of the file, a camera that the board lacks, and a file that
             it names and that is not here.
    """
    data = configuration.read(path)
    checked = configuration.from_mapping(copy.deepcopy(data), origin=str(path))
    for camera in checked.cameras:
        if camera.kind not in firmware.camera.kinds:
            raise ConfigError(
                f"{path} asks for a camera of kind {camera.kind!r}, which {board} lacks, expected "
                f"one of {', '.join(firmware.camera.kinds)}",
                hint=f"edgecls config example --camera {firmware.camera.default}",
            )
    changes: list[str] = []
    if bundle is not None:
        data.setdefault("model", {})["bundle"] = _bundle_word(bundle)
    files = _carried(data, path.parent)
    if not Path(str(checked.store.folder)).is_absolute():
        data.setdefault("store", {})["folder"] = STORE
        changes.append(f"store.folder: {STORE}")
    web = data.setdefault("web", {})
    if checked.web.enabled:
        if "host" not in web:
            web["host"] = "0.0.0.0"  # noqa: S104  (with a login and TLS, by the section's defaults)
            changes.append("web.host: 0.0.0.0, for the page is opened from other machines")
        if checked.web.login and "first_password_file" not in web:
            web["first_password_file"] = FIRST_PASSWORD
            changes.append("web.first_password_file: a random password, made on the device")
    changed = configuration.from_mapping(
        copy.deepcopy(data), origin=f"{path}, as changed for the device"
    )
    return DeviceConfig(changed, HEAD + tomli_w.dumps(data), files, tuple(changes))


def _bundle_word(bundle: Path) -> str:
    """Return what the configuration shall say of a bundle that was asked for.

    Raises:  ConfigError when it neither lies here nor ships.
    """
    place = bundle.expanduser().absolute()
    if place.exists():
        return str(place)
    if str(bundle) in shipped_names():
        return str(bundle)
    raise ConfigError(
        f"--bundle {bundle}: no such bundle",
        hint=f"check the path, or name one that ships: {', '.join(shipped_names())}",
    )


def page_address(config: Config, hostname: str | None) -> str | None:
    """Return where the page will be found, None if there is none.

    Args:    hostname: None where the image's own name stays.
    """
    web = config.web
    if not web.enabled:
        return None
    loopback = web.host in ("127.0.0.1", "::1", "localhost")
    tls = web.tls in ("generated", "given") or (web.tls == "auto" and not loopback)
    name = "127.0.0.1" if loopback else f"{hostname or 'the-device'}.local"
    return f"{'https' if tls else 'http'}://{name}:{web.port}"


def _carried(data: dict[str, Any], base: Path) -> dict[str, Path]:
    """Rewrite the fields that name files lying here, and return those files."""
    files: dict[str, Path] = {}
    for table, field in _file_fields(data):
        written = str(table[field])
        source = base / Path(written).expanduser()
        if not source.exists():
            if field == "bundle" and written in shipped_names():
                continue
            if Path(written).is_absolute():
                continue  # it may lie on the device
            raise ConfigError(
                f"{field} names {written}, and there is no such file beside the configuration",
                hint="put it there, or write the path that it has on the device",
            )
        name = BUNDLE if field == "bundle" else f"{len(files)}-{source.name}"
        inner = [p for p in sorted(source.rglob("*")) if p.is_file()] if source.is_dir() else []
        if source.is_dir():
            name = name.removesuffix(".edgecls")
            files |= {f"{name}/{p.relative_to(source).as_posix()}": p for p in inner}
        else:
            files[name] = source
        table[field] = f"{FOLDER}/{name}"
    return files


def _file_fields(value: object) -> Iterator[tuple[dict[str, Any], str]]:
    """Find the fields that name files, in tables and lists of tables at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from _file_fields(item)
    if isinstance(value, dict):
        for name, inner in value.items():
            is_file = name in FILE_FIELDS or name.endswith("_file")
            if is_file and isinstance(inner, str) and name != "first_password_file":
                yield value, name
            else:
                yield from _file_fields(inner)
