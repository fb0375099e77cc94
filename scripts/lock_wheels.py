"""Write the lock files of firmware_configs/locks: a device's wheels for each Python and machine.

python -m scripts.lock_wheels      asks pip (and so the network) what fits; nothing is installed
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from edgecls.boards.firmware import firmware_keys, load_firmware
from edgecls.deploy.locks import Target, target_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "firmware_configs" / "locks"
LEFT_OUT = frozenset({"demo", "dev", "flash", "gpio", "lab", "onnx", "tflite-runtime", "trt-rtx"})
"""Extras of a workstation; and gpio, whose libraries are those of the operating system."""

OPTIONAL = {None: (), "demo": ("demo",)}
"""Lock files per target: without an extra, and with those that a wheelhouse may add."""

PIP = "pip>=23"
"""pip itself: a stock system need not have it."""

OLDER = {"3.10": ("exceptiongroup>=1.1", "async-timeout>=4")}
"""What markers of others ask for on an older Python: pip judges them by the Python that runs it."""


def requirements(extra: str | None) -> list[str]:
    """Return what edgecls needs on a device, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    extras = [name for name in optional if name not in LEFT_OUT]
    wanted = [*project["dependencies"], *(line for name in extras for line in optional[name])]
    wanted += [line for name in OPTIONAL[extra] for line in optional[name]]
    return [line for line in wanted if not line.startswith("edgecls")] + [PIP]


def targets() -> dict[str, Target]:
    """Return every Python and machine of the boards; the oldest C library of each counts."""
    found: dict[str, Target] = {}
    for key in firmware_keys():
        firmware = load_firmware(key)
        for image in firmware.images:
            target = target_of(firmware, image)
            known = found.get(target.name)
            older = known is None or _numbers(target.glibc) < _numbers(known.glibc)
            if not image.container and older:
                found[target.name] = target
    return found


def resolve(target: Target, wanted: list[str], constraints: Path | None) -> str:
    """Return the text of a lock file, by pip's own report."""
    wanted = [*_needed(wanted, target), *OLDER.get(target.python, ())]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet",
            "--dry-run", "--ignore-installed", "--report", str(report), "--target", folder,
            "--only-binary", ":all:", "--implementation", "cp", "--abi", target.abi,
            "--python-version", target.python,
            *(word for tag in target.platforms for word in ("--platform", tag)),
            *(("--constraint", str(constraints)) if constraints else ()), *wanted,
        ]  # fmt: skip
        subprocess.run(command, check=True)
        installed = json.loads(report.read_text("utf-8"))["install"]
    return "".join(sorted(map(_pin, installed), key=str.lower))


def _needed(lines: list[str], target: Target) -> list[str]:
    """Return the requirements whose markers hold on the target, without their markers."""
    there = {"python_version": target.python, "platform_machine": target.arch}
    asked = [Requirement(line) for line in lines]
    held = [item for item in asked if item.marker is None or item.marker.evaluate(there)]
    return [f"{item.name}{item.specifier}" for item in held]


def _pin(item: dict[str, Any]) -> str:
    digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
    return f"{item['metadata']['name']}=={item['metadata']['version']} --hash=sha256:{digest}\n"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def main() -> None:
    """Write every lock file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for target in targets().values():
        base: Path | None = None
        for extra in OPTIONAL:
            path = FOLDER / f"{target.name}{'-' + extra if extra else ''}.txt"
            plain = None
            with tempfile.NamedTemporaryFile("w", suffix=".txt") as plain_pins:
                if base is not None:  # versions only: the hashes would forbid the extra's packages
                    lines = base.read_text("utf-8").splitlines()
                    plain_pins.write("\n".join(line.partition(" ")[0] for line in lines))
                    plain_pins.flush()
                    plain = Path(plain_pins.name)
                text = resolve(target, requirements(extra), plain)
            head = "# Written by python -m scripts.lock_wheels, never by hand.\n"
            path.write_text(head + text, encoding="utf-8")
            base = base or path
            print(f"{path.relative_to(ROOT)}: {len(text.splitlines())} wheels")


if __name__ == "__main__":
    main()
