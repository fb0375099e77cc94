"""What a card costs: preparing an image beside bare `xz -dc | dd`, the wheels, their size."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from edgecls.boards.firmware import load_firmware
from edgecls.deploy.locks import Target, image_for_python, lock_path, target_of
from edgecls.deploy.wheel_download import PIP, make_wheelhouse
from edgecls.deploy.wheelhouse import Wheelhouse
from edgecls.errors import EdgeclsError
from scripts.measuring.machine import ROOT
from scripts.measuring.section import NotMeasured, Section, table
from tests.card_images import (
    BOOT_START_BYTES,
    FAT32_LBA,
    LINUX,
    TRIXIE_FILES,
    WHY_NOT,
    partition_table,
    write_fat,
)

BOARD, PYTHONS = "raspberry-pi-4", ("3.13", "3.11")
IMAGE_BYTES, BOOT_BYTES = 2_500_000_000 // 512 * 512, 512 << 20
FULL_SHARE = 0.25
"""Of the root partition: random bytes, which no packer shrinks; the rest are zeros, as on a stock
image."""

RUNS = 3
AIM = 1.3
CONFIG = '[camera]\nkind = "rtsp"\nsource = "rtsp://192.168.1.20/stream"\n'
MAIN = "from edgecls.cli.main import main; main()"


@dataclass(frozen=True)
class Run:
    """Wall time and the most memory that one process held."""

    seconds: float
    peak_bytes: int


def measure() -> Section:
    """Make an image and wheels, then time both ways in turn."""
    if WHY_NOT or not shutil.which("xz"):
        raise NotMeasured(WHY_NOT or "xz is not installed")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        houses = {python: _wheels(folder, python) for python in PYTHONS}
        housed = {python: house.size_bytes for python, house in houses.items()}
        image = _image(folder)
        packed_bytes = image.stat().st_size
        bare, ours = [], []
        for _ in range(RUNS):
            bare.append(_timed(["sh", "-c", f"xz -dc {image} | dd of={folder}/bare.img bs=1M "
                                "conv=fsync status=none"]))  # fmt: skip
            ours.append(_timed(_flash(folder, image, houses["3.13"])))
        installed = [_installed_bytes(folder, house) for house in houses.values()]
    ratio = statistics.median(r.seconds for r in ours) / statistics.median(r.seconds for r in bare)
    times = table(
        ["what", "median", "range", "peak memory"],
        [_row("`xz -dc` into `dd`", bare), _row("`edgecls flash`, whole process", ours)],
    )
    wheels = table(
        ["for", "wheels", "wheelhouse", "installed"],
        [
            [f"Python {python}, aarch64", str(len(house.files)), _mb(housed[python]), _mb(size)]
            for (python, house), size in zip(houses.items(), installed, strict=True)
        ],
    )
    return Section(
        "Preparing a card",
        f"A {IMAGE_BYTES / 1e9:.1f} GB image of our own with Raspberry Pi OS's layout, "
        f"{packed_bytes / 1e6:.0f} MB as .xz, {RUNS} runs each in turn, both forced to disk. "
        f"{ratio:.2f} times the bare way (aim: at most {AIM}), with the wheels, the configuration "
        f"and the first boot written as well.\n\n{times}\n\n"
        f"{wheels}\n\nInstalled: all files of the wheels, without Python's bytecode.",
    )


def _wheels(folder: Path, python: str) -> Wheelhouse:
    firmware = load_firmware(BOARD)
    target = target_of(firmware, image_for_python(firmware, python, board=BOARD))
    try:
        return make_wheelhouse(
            folder / f"wheels-{target.name}", target, lock_path(target, None), told=_say
        )
    except EdgeclsError as error:
        raise NotMeasured(f"no wheels: {error.message}") from error


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _image(folder: Path) -> Path:
    path = folder / "stock.img"
    root_at = BOOT_START_BYTES + BOOT_BYTES
    root_bytes = IMAGE_BYTES - root_at
    with path.open("wb") as file:
        boot = (FAT32_LBA, BOOT_START_BYTES, BOOT_BYTES)
        file.write(partition_table(boot, (LINUX, root_at, root_bytes)))
        file.truncate(IMAGE_BYTES)
        piece, dice = 1 << 20, random.Random(1)
        for place in range(root_at, IMAGE_BYTES - piece, piece):
            if dice.random() < FULL_SHARE:
                file.seek(place)
                file.write(dice.randbytes(piece))
    write_fat(path, TRIXIE_FILES, start_bytes=BOOT_START_BYTES, size_bytes=BOOT_BYTES)
    subprocess.run(["xz", "-0", "-T1", str(path)], check=True, timeout=3000)
    return path.with_suffix(".img.xz")


def _flash(folder: Path, image: Path, house: Wheelhouse) -> list[str]:
    config = folder / "door.toml"
    config.write_text(CONFIG, encoding="utf-8")
    return [
        sys.executable, "-c", MAIN, "flash", BOARD, "--image", str(image), "-c", str(config),
        "--wheelhouse", str(house.folder), "--out", str(folder / "card.img"), "--json",
    ]  # fmt: skip


def _timed(command: list[str]) -> Run:
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[:4]} ended with {process.returncode}")
    return Run(time.monotonic() - start, used.ru_maxrss * 1024)


def _installed_bytes(folder: Path, house: Wheelhouse) -> int:
    target: Target = house.target
    place = folder / f"installed-{target.name}"
    platforms = [word for tag in target.platforms for word in ("--platform", tag)]
    subprocess.run(
        [
            *PIP, "install", "--quiet", "--no-compile", "--no-index", "--no-deps", "--target",
            str(place), "--only-binary", ":all:", "--implementation", "cp", "--python-version",
            target.python, "--abi", target.abi, "--abi", "abi3", "--abi", "none", *platforms,
            *(str(house.folder / name) for name in house.files),
        ],
        check=True, timeout=1800, capture_output=True,
    )  # fmt: skip
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def _row(what: str, runs: list[Run]) -> list[str]:
    seconds = [run.seconds for run in runs]
    return [
        what,
        f"{statistics.median(seconds):.1f} s",
        f"{min(seconds):.1f} to {max(seconds):.1f} s",
        _mb(max(run.peak_bytes for run in runs)),
    ]


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
