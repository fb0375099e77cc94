"""Partition tables: MBR, GPT, and what is neither."""

from __future__ import annotations

import struct
import uuid
from pathlib import Path

import pytest

from edgecls.deploy.partitions import Partition, boot_partition, read_partitions
from edgecls.errors import DeployError
from tests.card_images import FAT32_LBA, LINUX, partition_table

MIB = 1 << 20
BASIC_DATA = uuid.UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
LINUX_DATA = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")


def _disk(path: Path, table: bytes, *, size: int = 8 * MIB, fat_at: int | None = None) -> Path:
    with path.open("wb") as file:
        file.write(table)
        file.truncate(size)
        if fat_at is not None:
            file.seek(fat_at + 82)
            file.write(b"FAT32   ")
    return path


def _gpt(*entries: tuple[uuid.UUID, int, int]) -> bytes:
    protective = partition_table((0xEE, 512, 8 * MIB))
    header = struct.pack("<8s64xQII", b"EFI PART", 2, len(entries), 128).ljust(512, b"\0")
    rows = b"".join(
        struct.pack("<16s16xQQ", kind.bytes_le, start // 512, (start + size) // 512 - 1).ljust(
            128, b"\0"
        )
        for kind, start, size in entries
    )
    return protective + header + rows


def test_an_mbr_is_read_and_its_fat_partition_found(tmp_path: Path) -> None:
    table = partition_table((FAT32_LBA, MIB, 2 * MIB), (LINUX, 3 * MIB, 4 * MIB))
    path = _disk(tmp_path / "card.img", table, fat_at=MIB)
    with path.open("rb") as file:
        assert read_partitions(file, origin="card") == (
            Partition(1, MIB, 2 * MIB, True),
            Partition(2, 3 * MIB, 4 * MIB, False),
        )
    assert boot_partition(path).number == 1


def test_a_gpt_is_read_and_its_fat_partition_found(tmp_path: Path) -> None:
    table = _gpt((LINUX_DATA, MIB, MIB), (BASIC_DATA, 2 * MIB, MIB))
    path = _disk(tmp_path / "card.img", table, fat_at=2 * MIB)
    assert boot_partition(path) == Partition(2, 2 * MIB, MIB, True)


def test_what_only_calls_itself_fat_is_passed_over(tmp_path: Path) -> None:
    table = partition_table((FAT32_LBA, MIB, MIB), (LINUX, 3 * MIB, MIB))
    with pytest.raises(DeployError, match=r"has no FAT partition among 2"):
        boot_partition(_disk(tmp_path / "card.img", table))


def test_no_table_a_damaged_one_and_a_short_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"has no partition table"):
        boot_partition(_disk(tmp_path / "a.img", b"not a disk"))
    broken = _gpt((BASIC_DATA, MIB, MIB)).replace(b"EFI PART", b"EFI PORT")
    with pytest.raises(DeployError, match=r"damaged partition table \(GPT\)"):
        boot_partition(_disk(tmp_path / "b.img", broken))
    table = partition_table((FAT32_LBA, MIB, 4 * MIB))
    with pytest.raises(DeployError, match=r"ends inside its boot partition"):
        boot_partition(_disk(tmp_path / "c.img", table, size=2 * MIB, fat_at=MIB))
