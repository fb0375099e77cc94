"""A card in its reader: whether it may be overwritten, and writing it so that it can be trusted."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edgecls.deploy.image import CHUNK_BYTES, Told, untold
from edgecls.errors import ConfigError, DeployError

SECTOR_BYTES = 512


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """A whole disk, as a person recognises it.

    Args:    model: maker and model as the kernel tells them.
    """

    path: Path
    model: str
    size_bytes: int

    def __str__(self) -> str:
        return f"{self.path} ({self.model}, {self.size_bytes / 1e9:.1f} GB)"


def examine(path: Path, *, root: Path = Path("/")) -> BlockDevice:
    """Return what a device is, if it may be overwritten.

    Args:    root: the folder that stands for "/" in /proc and /sys, for recorded machines in tests.
    Raises:  ConfigError for a partition, a mounted disk, one that the system runs from, a disk
             without a medium, and what is no block device.
    """
    folder = root / "sys/class/block" / path.resolve().name
    if not folder.is_dir():
        raise ConfigError(
            f"{path} is no disk, expected a whole one like /dev/sda or /dev/mmcblk0",
            hint="lsblk lists the disks",
        )
    if (folder / "partition").exists():
        raise ConfigError(
            f"{path} is a partition, expected the whole disk",
            hint="lsblk lists the disks",
        )
    device = BlockDevice(path, _model(folder), int(_text(folder / "size") or 0) * SECTOR_BYTES)
    used = _uses(folder, root)
    if used:
        places = ", ".join(used)
        system = {"/", "/boot", "/usr", "/var", "/home"} & set(used) or "swap" in used
        raise ConfigError(
            f"{device} is {'the disk this system runs from' if system else 'mounted'} ({places})"
            f"{'' if system else ', expected a disk that nothing uses'}",
            hint="give the card's device: lsblk"
            if system
            else f"unmount it first: sudo umount {path}*",
        )
    if device.size_bytes == 0:
        raise ConfigError(f"{path} holds no card", hint="put one in: lsblk shows its size then")
    return device


class RawDevice:
    """A device that is open for writing; whoever else uses it is found out by the kernel.

    Raises:  OSError as the system gives it.
    """

    def __init__(self, path: Path) -> None:
        exclusively = os.O_EXCL if path.is_block_device() else 0
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | exclusively)

    def write_at(self, place: int, data: bytes) -> int:
        """Write some of `data`; return how much of it."""
        return os.pwrite(self._descriptor, data, place)

    def read_at(self, place: int, count: int) -> bytes:
        """Return at most `count` bytes; none at the end."""
        return os.pread(self._descriptor, count, place)

    def settle(self) -> None:
        """Force everything out, and forget it, so that reading asks the card and not the memory."""
        os.fsync(self._descriptor)
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        os.close(self._descriptor)


def write_and_compare(
    source: Path,
    target: Path,
    *,
    size_bytes: int,
    told: Told = untold,
    opened: Callable[[Path], RawDevice] = RawDevice,
) -> None:
    """Write a file to a device, force it out, read it back from the medium, and compare.

    Args:    size_bytes: of the device.   told: of both passes together.
             opened: opens the device; tests pass one that fails.
    Raises:  DeployError when it is too small, a write or read fails or falls short, or what is read
             is not what was written.
    """
    total = source.stat().st_size
    if total > size_bytes:
        raise DeployError(
            f"{target} holds {size_bytes / 1e9:.1f} GB, expected at least {total / 1e9:.1f} GB",
            hint="take a larger card",
        )
    try:
        device = opened(target)
    except OSError as error:
        denied = error.errno in (errno.EPERM, errno.EACCES)
        hint = "sudo edgecls flash ..." if denied else "is another program using it?"
        raise DeployError(f"cannot write to {target}: {error.strerror}", hint=hint) from error
    try:
        with source.open("rb") as file:
            _write(device, file, target, lambda done: told(done, 2 * total))
            _compare(device, file, target, lambda done: told(total + done, 2 * total))
    finally:
        device.close()


def _write(device: RawDevice, source: IO[bytes], target: Path, told: Callable[[int], None]) -> None:
    place = 0
    try:
        source.seek(0)
        while chunk := source.read(CHUNK_BYTES):
            while chunk:
                written = device.write_at(place, chunk)
                if written <= 0:
                    raise DeployError(
                        f"{target} takes no more after {place / 1e6:.0f} MB",
                        hint="try another card",
                    )
                place += written
                chunk = chunk[written:]
            told(place)
        device.settle()
    except OSError as error:
        raise DeployError(
            f"writing to {target} failed after {place / 1e6:.0f} MB: {error.strerror}",
            hint="the card is likely worn out or badly seated: try another",
        ) from error


def _compare(
    device: RawDevice, source: IO[bytes], target: Path, told: Callable[[int], None]
) -> None:
    place = 0
    source.seek(0)
    while wanted := source.read(CHUNK_BYTES):
        try:
            found = _whole(device, place, len(wanted))
        except OSError as error:
            raise DeployError(
                f"reading {target} back failed at {place / 1e6:.0f} MB: {error.strerror}",
                hint="try another card",
            ) from error
        if found != wanted:
            what = "ends early" if len(found) < len(wanted) else "is not what was written"
            raise DeployError(
                f"what {target} holds {what} at {place / 1e6:.0f} MB",
                hint="the card is likely worn out, or smaller than it says: try another",
            )
        place += len(wanted)
        told(place)


def _whole(device: RawDevice, place: int, count: int) -> bytes:
    """Read `count` bytes, in several goes if need be; fewer only at the end of the device."""
    parts = bytearray()
    while len(parts) < count:
        part = device.read_at(place + len(parts), count - len(parts))
        if not part:
            break
        parts += part
    return bytes(parts)


def _uses(folder: Path, root: Path) -> list[str]:
    """Return where a disk or anything on it is mounted; "swap" and what holds it count too."""
    names = {folder.name, *(p.parent.name for p in folder.glob("*/partition"))}
    numbers = {_text(root / "sys/class/block" / name / "dev") for name in names}
    used = [
        place
        for number, place, source in _mounts(root)
        if number in numbers or source in {f"/dev/{name}" for name in names}
    ]
    swaps = _text(root / "proc/swaps").splitlines()[1:]
    used += ["swap" for line in swaps if Path(line.split()[0]).name in names]
    for name in sorted(names):
        holders = root / "sys/class/block" / name / "holders"
        if holders.is_dir():
            for holder in sorted(holders.iterdir()):
                used += _uses(root / "sys/class/block" / holder.name, root) or [holder.name]
    return sorted(set(used))


def _mounts(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield device number, place and source of each mount (proc_pid_mountinfo(5))."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        words = line.split()
        if "-" in words[6:]:
            source = words[words.index("-", 6) + 2 :][:1]  # btrfs has no device number of its own
            yield words[2], words[4], source[0] if source else ""


def _model(folder: Path) -> str:
    words = (_text(folder / "device" / name) for name in ("vendor", "model", "name"))
    return " ".join(filter(None, words)) or "unknown model"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
