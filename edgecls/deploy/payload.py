"""Everything that a card gets: wheels, configuration, units, and the files of its first boot."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgecls.boards.firmware import firmware_folder
from edgecls.deploy.device_config import DeviceConfig
from edgecls.deploy.dialects import DIALECTS
from edgecls.deploy.image import sha256_of
from edgecls.deploy.person import Identity
from edgecls.deploy.wheelhouse import Wheelhouse
from edgecls.sections.firmware import Firmware, ImageSection

CARD_FOLDER = "edgecls"
SYSTEM_UNITS = "etc/systemd/system"
FIRST_LOGIN_UNITS = ("edgecls-first-login.path", "edgecls-first-login.service")
GROUPS = re.compile(r"^SupplementaryGroups=(.*)$", re.MULTILINE)
CONFIG_TXT_MARK = "# edgecls: what this board's camera, memory and watchdog need"


@dataclass(frozen=True, slots=True)
class Payload:
    """What is written to the boot partition.

    Args:    files: path there -> file on this machine.   cmdline: words for cmdline.txt.
             config_txt: lines for config.txt.
    """

    files: dict[str, Path]
    cmdline: tuple[str, ...]
    config_txt: tuple[str, ...]


def make_payload(
    folder: Path,
    house: Wheelhouse,
    config: DeviceConfig,
    identity: Identity,
    *,
    firmware: Firmware,
    image: ImageSection,
    instance: str,
) -> Payload:
    """Write what the card gets into `folder`, and say where each file belongs.

    Args:    instance: a word that is new for every card: cloud-init acts once for each.
    """
    boot = str(image.boot_folder)
    parts = firmware_folder()
    texts = {f"system/{unit}": text for unit, text in system_files(firmware, boot).items()}
    texts["etc/doorbell.toml"] = config.text
    texts["release"] = release_text(house, firmware)
    first_boot = parts / "first_boot"
    for name in ("edgecls-first-boot", "install-unit", "edgecls-first-boot.service"):
        texts[name] = _filled(first_boot / name, boot)
    files = {f"{CARD_FOLDER}/{n}": _written(folder / n, text) for n, text in texts.items()}
    files |= {f"{CARD_FOLDER}/etc/{name}": path for name, path in config.files.items()}
    archive = wheels_archive(folder / "wheels.tar", house.paths)
    sums = f"{sha256_of(archive)}  wheels.tar\n"
    files[f"{CARD_FOLDER}/wheels.tar"] = archive
    files[f"{CARD_FOLDER}/wheels.tar.sha256"] = _written(folder / "wheels.tar.sha256", sums)
    own, words = DIALECTS[image.first_boot](identity, boot, instance)
    if identity.person:
        own["ssh"] = ""  # Raspberry Pi OS starts its ssh server where it finds this file
    files |= {name: _written(folder / "own" / name, text) for name, text in own.items()}
    return Payload(files, (*words, *firmware.boot.cmdline), firmware.boot.config_txt)


def system_files(firmware: Firmware, boot: str | None) -> dict[str, str]:
    """Return the systemd units and their changes for a device: path below "/" -> text.

    Args:    boot: where the boot partition is mounted; None where no card was written.
    """
    folder = firmware_folder()
    files = {
        f"{SYSTEM_UNITS}/{unit}": (folder / "systemd" / unit).read_text("utf-8")
        for unit in firmware.systemd.units
    }
    if boot is not None:
        files |= {
            f"{SYSTEM_UNITS}/{unit}": _filled(folder / "first_boot" / unit, boot)
            for unit in FIRST_LOGIN_UNITS
        }
    drop_ins = {item.path.lstrip("/"): item.text.lstrip() for item in firmware.systemd.drop_ins}
    return files | drop_ins


def release_text(house: Wheelhouse, firmware: Firmware, *, card: bool = True) -> str:
    """Return the few facts that the script of the first boot reads.

    Args:    card: whether there is a boot partition with the first password on it.
    """
    texts = system_files(firmware, None).values()
    groups = sorted({g for text in texts for line in GROUPS.findall(text) for g in line.split()})
    units = (*firmware.systemd.units, *(FIRST_LOGIN_UNITS if card else ()))
    return (
        f"version={house.release}\npython={house.target.python}\n"
        f"groups={' '.join(groups)}\nunits={' '.join(units)}\n"
    )


def wheels_archive(path: Path, wheels: Iterable[Path]) -> Path:
    """Put wheels into one tar, the same bytes each time: names, sizes and content only."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for wheel in wheels:
            entry = tarfile.TarInfo(wheel.name)
            entry.size, entry.mode = wheel.stat().st_size, 0o644
            with wheel.open("rb") as file:
                archive.addfile(entry, file)
    return path


def config_txt_with(text: str, lines: Iterable[str]) -> str:
    """Return config.txt with the board's lines at its end; those of an earlier time go."""
    kept = text.partition(CONFIG_TXT_MARK)[0].rstrip("\n")
    added = "\n".join((CONFIG_TXT_MARK, "[all]", *lines))
    return f"{kept}\n\n{added}\n" if kept else f"{added}\n"


def cmdline_with(text: str, words: Iterable[str]) -> str:
    """Return the one line of cmdline.txt with words added that it lacks."""
    present = text.split()
    return " ".join([*present, *(word for word in words if word not in present)]) + "\n"


def _filled(path: Path, boot: str) -> str:
    return path.read_text("utf-8").replace("@BOOT@", boot)


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
