"""Read the partition table of a disk image: MBR and GPT (UEFI specification 2.10, chapter 5)."""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edgecls.errors import DeployError

SECTOR_BYTES = 512
MBR_ENTRIES_AT, MBR_SIGNATURE_AT = 446, 510
MBR_PROTECTIVE = 0xEE
MBR_FAT = frozenset({0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E, 0xEF})
GPT_SIGNATURE = b"EFI PART"
GPT_ENTRIES_MAX = 1024
GPT_FAT = frozenset(
    {
        uuid.UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B"),  # EFI system partition
        uuid.UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"),  # basic data
    }
)
FAT_MARKS = ((54, b"FAT"), (82, b"FAT32"))
"""Where a FAT file system names itself in its first sector."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: its place in bytes, and whether the table says that it may be FAT."""

    number: int
    start_bytes: int
    size_bytes: int
    may_be_fat: bool


def read_partitions(file: IO[bytes], *, origin: str) -> tuple[Partition, ...]:
    """Return the partitions in the order of the table.

    Args:    file: the disk, seekable.   origin: its name, for messages.
    Raises:  DeployError when there is no partition table.
    """
    first = _at(file, 0, SECTOR_BYTES)
    if first[MBR_SIGNATURE_AT:] != b"\x55\xaa":
        raise DeployError(
            f"{origin} has no partition table, expected an image of a whole card",
            hint="give the operating system's image as you downloaded it",
        )
    entries = tuple(_mbr_entries(first))
    if any(kind == MBR_PROTECTIVE for _, kind, _, _ in entries):
        return _gpt_partitions(file, origin)
    return tuple(
        Partition(number, start * SECTOR_BYTES, sectors * SECTOR_BYTES, kind in MBR_FAT)
        for number, kind, start, sectors in entries
        if kind and sectors
    )


def boot_partition(path: Path) -> Partition:
    """Return the first partition of an image that is FAT.

    Raises:  DeployError when there is none, or it runs past the end of the file.
    """
    with path.open("rb") as file:
        partitions = read_partitions(file, origin=str(path))
        for partition in partitions:
            if partition.may_be_fat and _is_fat(file, partition):
                break
        else:
            raise DeployError(
                f"{path} has no FAT partition among {len(partitions)}, expected the boot "
                "partition of a Raspberry Pi OS or Debian image",
                hint="a Jetson is set up with NVIDIA's tools first, then: edgecls push HOST",
            )
    size_bytes = path.stat().st_size
    if partition.start_bytes + partition.size_bytes > size_bytes:
        raise DeployError(
            f"{path} ends inside its boot partition, expected at least "
            f"{partition.start_bytes + partition.size_bytes} bytes, received {size_bytes}",
            hint="download the image again",
        )
    return partition


def _mbr_entries(sector: bytes) -> list[tuple[int, int, int, int]]:
    """Return number, type, first sector and sectors of the four entries."""
    entries = []
    for index in range(4):
        kind, start, sectors = struct.unpack_from("<4xB3xII", sector, MBR_ENTRIES_AT + 16 * index)
        entries.append((index + 1, kind, start, sectors))
    return entries


def _gpt_partitions(file: IO[bytes], origin: str) -> tuple[Partition, ...]:
    header = _at(file, SECTOR_BYTES, 92)
    table_lba, count, entry_bytes = struct.unpack_from("<QII", header, 72)
    whole = header[:8] == GPT_SIGNATURE and count <= GPT_ENTRIES_MAX and 128 <= entry_bytes <= 4096
    if not whole:
        raise DeployError(
            f"{origin} has a damaged partition table (GPT)", hint="download the image again"
        )
    table = _at(file, table_lba * SECTOR_BYTES, count * entry_bytes)
    found = []
    for index in range(len(table) // entry_bytes):
        kind, first, last = struct.unpack_from("<16s16xQQ", table, index * entry_bytes)
        if any(kind):
            fat = uuid.UUID(bytes_le=kind) in GPT_FAT
            size = (last - first + 1) * SECTOR_BYTES
            found.append(Partition(index + 1, first * SECTOR_BYTES, size, fat))
    return tuple(found)


def _is_fat(file: IO[bytes], partition: Partition) -> bool:
    sector = _at(file, partition.start_bytes, SECTOR_BYTES)
    return any(sector[place : place + len(mark)] == mark for place, mark in FAT_MARKS)


def _at(file: IO[bytes], place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)
