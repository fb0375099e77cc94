"""Small images with the layout of Raspberry Pi OS, for tests: MBR, a FAT boot partition, a root."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

SECTOR_BYTES = 512
BOOT_START_BYTES = 1 << 20
FAT32_LBA, LINUX = 0x0C, 0x83
PROGRAMS = ("mcopy", "mdir", "mmd", "mkfs.vfat")
WHY_NOT = None if all(map(shutil.which, PROGRAMS)) else "mtools and dosfstools are not installed"

PI_FILES = {
    "config.txt": "arm_64bit=1\n",
    "cmdline.txt": "console=serial0,115200 root=PARTUUID=1234-02 rootwait\n",
    "kernel8.img": "kernel",
    "bcm2711-rpi-4-b.dtb": "tree",
    "bcm2712-rpi-5-b.dtb": "tree",
}
TRIXIE_FILES = {**PI_FILES, "user-data": "#cloud-config\n", "meta-data": "", "network-config": ""}


def partition_table(*entries: tuple[int, int, int]) -> bytes:
    """Return a first sector with an MBR. Args: entries: type, start and size in bytes."""
    rows = b"".join(
        struct.pack("<4xB3xII", kind, start // SECTOR_BYTES, size // SECTOR_BYTES)
        for kind, start, size in entries
    )
    return bytes(446) + rows.ljust(64, b"\0") + b"\x55\xaa"


def write_fat(path: Path, files: Mapping[str, str], *, start_bytes: int, size_bytes: int) -> None:
    """Make a FAT file system inside `path`, with files at its top."""
    offset = str(start_bytes // SECTOR_BYTES)
    kib = str(size_bytes // 1024)
    command = ["mkfs.vfat", "-n", "bootfs", "--offset", offset, str(path), kib]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    folder = path.with_suffix(".files")
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = [str(item) for item in sorted(folder.iterdir())]
    drive = f"{path}@@{start_bytes}"
    copy = ["mcopy", "-i", drive, *sources, "::/"]
    subprocess.run(copy, check=True, capture_output=True, timeout=60)
    shutil.rmtree(folder)


def card_image(path: Path, files: Mapping[str, str], *, boot_bytes: int = 40 << 20) -> Path:
    """Make an image: a boot partition with `files`, and an empty root behind it."""
    root_bytes = 1 << 20
    with path.open("wb") as file:
        boot = (FAT32_LBA, BOOT_START_BYTES, boot_bytes)
        root = (LINUX, BOOT_START_BYTES + boot_bytes, root_bytes)
        file.write(partition_table(boot, root))
        file.truncate(BOOT_START_BYTES + boot_bytes + root_bytes)
    write_fat(path, files, start_bytes=BOOT_START_BYTES, size_bytes=boot_bytes)
    return path


def read_card(path: Path, name: str) -> str:
    """Return a text file of an image's boot partition."""
    drive = f"{path}@@{BOOT_START_BYTES}"
    command = ["mtype", "-i", drive, f"::/{name}"]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    return done.stdout.decode()
