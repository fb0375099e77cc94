"""Operating system, Python, disk, clock."""

from __future__ import annotations

import os
import shutil
import struct
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from edgecls import __version__
from edgecls.doctor.finding import Finding, fail, ok, skip, warn
from edgecls.doctor.patient import Patient
from edgecls.sections.firmware import PYTHON_MIN
from edgecls.sections.store import StoreSection

MEGABYTE = 1_000_000
FREE_MIN_BYTES = 100 * MEGABYTE
BUILT = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""No clock that is right shows a time before this version was written."""
SYNCHRONIZED = "run/systemd/timesync/synchronized"


def check_system(patient: Patient) -> Iterator[Finding]:
    """Tell the model and the operating system, and whether edgecls was made for it."""
    identity = patient.board.identity()
    yield ok("machine", f"{identity.model} ({patient.machine})")
    if struct.calcsize("P") < 8 or patient.machine in ("armv6l", "armv7l", "i686"):
        yield fail(
            "system",
            f"{identity.system} is a 32-bit system, expected a 64-bit one",
            fix="write the 64-bit image: edgecls flash BOARD --image ...",
        )
        return
    codename = patient.fields("etc/os-release").get("VERSION_CODENAME", "")
    images = patient.firmware.images if patient.firmware else ()
    if images and codename not in {image.codename for image in images}:
        names = ", ".join(image.name for image in images)
        yield warn(
            "system",
            f"{identity.system}, expected one of {names}",
            fix="go on if all below is well; else install one of these",
        )
        return
    yield ok("system", identity.system)


def check_python(patient: Patient) -> Iterator[Finding]:
    """Tell edgecls's own version and its Python's."""
    version = ".".join(map(str, patient.python))
    if patient.python[:2] < PYTHON_MIN:
        yield fail(
            "python",
            f"Python {version}, expected 3.10 or newer",
            fix="run edgecls in a container: docs/jetson.md",
        )
        return
    yield ok("python", f"edgecls {__version__} on Python {version} in {sys.prefix}")


def check_disk(patient: Patient) -> Iterator[Finding]:
    """Tell whether visits can be written, and whether their budget fits on the disk."""
    store = patient.config.store if patient.config else StoreSection()
    folder = _existing(store.folder.absolute())
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        yield fail("disk", f"{folder}: {error.strerror}", fix="check the disk, and dmesg")
        return
    free = f"{folder}: {usage.free / MEGABYTE:,.0f} MB free of {usage.total / MEGABYTE:,.0f}"
    if not os.access(folder, os.W_OK):
        yield fail(
            "disk",
            f"{folder} cannot be written to by this user",
            fix=f"run as the service's user (sudo -u edgecls), or: sudo chown edgecls {folder}",
        )
    elif usage.free < FREE_MIN_BYTES:
        yield fail(
            "disk", free, fix="free some space: sudo apt clean; sudo journalctl --vacuum-size=50M"
        )
    elif usage.free < store.free_bytes_min + min(store.bytes_max, usage.total // 4):
        yield warn(
            "disk",
            f"{free}; visits may need {store.bytes_max / MEGABYTE:,.0f}",
            fix="lower store.bytes_max, or use a larger disk",
        )
    else:
        yield ok("disk", free)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))


def check_clock(patient: Patient, now: datetime | None = None) -> Iterator[Finding]:
    """Tell whether the clock is right: a board without a battery starts in the past."""
    now = now or datetime.now(timezone.utc)
    fix = "connect it to the network once, or: sudo timedatectl set-ntp true"
    if now < BUILT:
        yield fail("clock", f"it shows {now:%Y-%m-%d %H:%M} UTC, which is past", fix=fix)
        return
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    said = patient.says("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if (patient.root / SYNCHRONIZED).exists() or (said or "").strip() == "yes":
        yield ok("clock", f"{shown}, synchronised")
    elif said is None:
        yield skip("clock", f"{shown}; nothing here tells whether it is synchronised")
    else:
        yield warn("clock", f"{shown}, not synchronised", fix=fix)
