"""The lock files of firmware_configs/locks: which wheels a device gets, each with its SHA-256."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgecls.boards.firmware import firmware_folder
from edgecls.errors import ConfigError
from edgecls.sections.firmware import Firmware, ImageSection

PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!+_-]+) --hash=sha256:([0-9a-f]{64})")
GLIBC_OLDEST = 17
"""manylinux_2_17: the oldest tag in use for these architectures."""


@dataclass(frozen=True, slots=True)
class Target:
    """What wheels must fit: Python ("3.11"), machine ("aarch64"), C library ("2.36")."""

    python: str
    arch: str
    glibc: str

    @property
    def name(self) -> str:
        """Return the short name of lock files and folders: cp311-aarch64."""
        return f"{self.abi}-{self.arch}"

    @property
    def abi(self) -> str:
        return "cp" + self.python.replace(".", "")

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the platform tags that fit, newest first."""
        newest = int(self.glibc.partition(".")[2])
        tags = [f"manylinux_2_{minor}_{self.arch}" for minor in range(newest, GLIBC_OLDEST - 1, -1)]
        return (*tags, f"manylinux2014_{self.arch}")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package: name, version, and the hash of the one wheel that fits."""

    name: str
    version: str
    sha256: str


def target_of(firmware: Firmware, image: ImageSection) -> Target:
    return Target(image.python, firmware.arch, image.glibc)


def image_for_python(firmware: Firmware, python: str | None, *, board: str) -> ImageSection:
    """Return the board's image with this Python; None takes the best one.

    Raises:  ConfigError when the board has no such image, or none that runs edgecls outside a
             container.
    """
    images = [image for image in firmware.images if not image.container]
    if not images:
        raise ConfigError(
            f"the Python of {board}'s systems is older than 3.10, expected a container there",
            hint="build Dockerfile.jetson",
        )
    if python is None:
        return images[0]
    for image in images:
        if image.python == python:
            return image
    known = ", ".join(dict.fromkeys(image.python for image in images))
    raise ConfigError(
        f"no image for {board} has Python {python}, expected one of {known}",
        hint=f"edgecls wheelhouse {board}",
    )


def lock_path(target: Target, extra: str | None) -> Path:
    """Return where the lock file lies. Raises: ConfigError when there is none."""
    folder = firmware_folder() / "locks"
    path = folder / f"{target.name}{'-' + extra if extra else ''}.txt"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.txt"))) or "none"
        raise ConfigError(f"there is no lock file {path.name}, expected one of: {known}")
    return path


def read_lock(path: Path) -> tuple[Pin, ...]:
    """Return the pins of a lock file.

    Raises:  ConfigError for a line that is no pin with one hash.
    """
    pins = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = PIN.fullmatch(line.strip())
        if found is None:
            raise ConfigError(
                f"{path}:{number} is no pin, expected NAME==VERSION --hash=sha256:..., "
                f"received {line.strip()!r}",
                hint="python -m scripts.lock_wheels writes the lock files",
            )
        pins.append(Pin(*found.groups()))
    return tuple(pins)
