"""The device models that edgecls knows, from the files in firmware_configs/."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

import edgecls
from edgecls import plugins
from edgecls._lib import toml
from edgecls._lib.validation import message_from_validation
from edgecls.boards.device_tree import device_tree
from edgecls.errors import ConfigError
from edgecls.sections.firmware import Firmware

FOLDER = "firmware_configs"


def firmware_folder() -> Path:
    """Return the folder of the files: inside the installed package, or beside it in a checkout.

    Raises:  ConfigError when neither is there.
    """
    package = Path(edgecls.__file__).parent
    for folder in (package / FOLDER, package.parent / FOLDER):
        if folder.is_dir():
            return folder
    raise ConfigError(
        f"this installation lacks its folder {FOLDER}, expected it in {package}",
        hint="install edgecls anew from its wheel",
    )


def firmware_keys(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of the device models, as `edgecls flash` and `edgecls boards` take them."""
    return tuple(sorted(path.stem for path in (folder or firmware_folder()).glob("*.toml")))


def load_firmware(key: str, folder: Path | None = None) -> Firmware:
    """Read one device model.

    Args:    folder: of the files; None takes edgecls's own.
    Raises:  ConfigError for a name that is not known, with the nearest, and for a faulty file.
    """
    folder = folder or firmware_folder()
    known = firmware_keys(folder)
    if key not in known:
        raise plugins.unknown_key("board", known, key)
    path = folder / f"{key}.toml"
    try:
        return Firmware.model_validate(toml.read(path))
    except ValidationError as error:
        message = message_from_validation(error, Firmware, origin=str(path))
        raise ConfigError(message, hint=f"see the other files in {folder}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def key_from_device_tree(model: str, compatible: tuple[str, ...]) -> str | None:
    """Return which device model this is, None if no file knows it.

    Args:    model, compatible: what /proc/device-tree/{model,compatible} say.
    """
    found = {key: load_firmware(key) for key in firmware_keys()}
    for key, firmware in found.items():
        if set(firmware.compatible) & set(compatible):
            return key
    for key, firmware in found.items():
        if any(model.startswith(start) for start in firmware.models):
            return key
    return None


def firmware_here(root: Path = Path("/")) -> str | None:
    """Return which device model we run on, by its device tree; None if it is none of them."""
    tree = device_tree(root)
    return key_from_device_tree(tree.model, tree.compatible) if tree.model else None
