"""A folder of wheels that a device installs without a network, and whether it is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecls import __version__
from edgecls._lib.files import write_atomic
from edgecls.deploy.image import sha256_of
from edgecls.deploy.locks import Target
from edgecls.errors import DeployError

MANIFEST, REQUIREMENTS = "wheelhouse.json", "requirements.txt"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Wheelhouse:
    """Wheels that were checked.

    Args:    files: name -> SHA-256.   version: of edgecls.
    """

    folder: Path
    target: Target
    version: str
    files: dict[str, str]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return all that a device needs of it."""
        return (*(self.folder / name for name in sorted(self.files)), self.folder / REQUIREMENTS)

    @property
    def release(self) -> str:
        """Return the name of this build on a device: 0.1.0-1a2b3c4d, by its wheel's hash."""
        own = [digest for name, digest in self.files.items() if name.startswith("edgecls-")]
        return "-".join([self.version, *(digest[:8] for digest in own)])

    @property
    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.paths)


def default_folder(target: Target, environment: Mapping[str, str] = os.environ) -> Path:
    """Return where wheels for a target are kept if nobody says otherwise: the user's cache."""
    base = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "edgecls", "wheelhouse", target.name)


def write_manifest(house: Wheelhouse, requirements: str) -> None:
    """Write what makes a folder of wheels a wheelhouse; the manifest last."""
    write_atomic(house.folder / REQUIREMENTS, requirements.encode())
    content = {
        "schema": SCHEMA,
        "edgecls": house.version,
        "python": house.target.python,
        "arch": house.target.arch,
        "glibc": house.target.glibc,
        "files": house.files,
    }
    write_atomic(house.folder / MANIFEST, (json.dumps(content, indent=2) + "\n").encode())


def open_wheelhouse(folder: Path, wanted: Target, *, board: str) -> Wheelhouse:
    """Open a wheelhouse for one device, and check every hash.

    Raises:  DeployError when there is none, it is for another Python or machine, holds another
             edgecls than this one, or a wheel is missing or damaged.
    """
    make = f"edgecls wheelhouse {board} --python {wanted.python}"
    hint = f"{make}" if folder.name == wanted.name else f"{make} --out {folder}"
    content = _content(folder, hint)
    target = Target(str(content["python"]), str(content["arch"]), str(content["glibc"]))
    if (target.python, target.arch) != (wanted.python, wanted.arch):
        raise DeployError(
            f"{folder} holds wheels for Python {target.python} on {target.arch}, expected Python "
            f"{wanted.python} on {wanted.arch}: that is what the image has",
            hint=hint,
        )
    if _numbers(target.glibc) > _numbers(wanted.glibc):
        raise DeployError(
            f"{folder} holds wheels for glibc {target.glibc}, expected at most {wanted.glibc}",
            hint=hint,
        )
    house = Wheelhouse(folder, target, str(content["edgecls"]), dict(content["files"]))
    if house.version != __version__:
        raise DeployError(
            f"{folder} holds edgecls {house.version}, expected {__version__}", hint=hint
        )
    for name, digest in house.files.items():
        if not (folder / name).is_file():
            raise DeployError(f"{folder} lacks the wheel {name}", hint=hint)
        if sha256_of(folder / name) != digest:
            raise DeployError(f"{folder / name} is not the wheel that was locked", hint=hint)
    if not (folder / REQUIREMENTS).is_file():
        raise DeployError(f"{folder} lacks {REQUIREMENTS}", hint=hint)
    return house


def _content(folder: Path, hint: str) -> dict[str, Any]:  # Any: JSON
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DeployError(f"there are no wheels in {folder}", hint=hint) from error
    except ValueError as error:
        raise DeployError(f"{path} is damaged", hint=hint) from error
    keys = {"schema", "edgecls", "python", "arch", "glibc", "files"}
    if not isinstance(content, dict) or not keys <= set(content) or content["schema"] != SCHEMA:
        raise DeployError(f"{path} is of another version", hint=hint)
    return content


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
