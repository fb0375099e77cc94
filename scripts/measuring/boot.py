"""The first boot of a flashed card in an emulated arm64 machine, from power on to the page."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import pytest

from scripts.measuring.section import NotMeasured, Section, table
from tests.boot_machine import WHY_NOT, Machine, flashed_machine

LIMIT_S = 3600.0
STARTS = ("first boot: installs and sets up", "second boot")


def measure() -> Section:
    """Start the machine twice and time each until the page asks for a login, over TLS."""
    if WHY_NOT:
        raise NotMeasured(WHY_NOT)
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        machine = flashed_machine(folder)
        seconds = [_start(machine) for _ in STARTS]
    except pytest.skip.Exception as reason:
        raise NotMeasured(str(reason)) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows = [[what, f"{took:.0f} s"] for what, took in zip(STARTS, seconds, strict=True)]
    return Section(
        "First boot, in emulation",
        "From power on until the page asks for a login: an emulated machine of two Cortex-A72 "
        "(qemu, every instruction in software), a Debian Bookworm with cloud-init, kernel and "
        "systemd of its own, a card from `edgecls flash`, no network. **Emulation: no time of a "
        f"device.** One run.\n\n{table(['start', 'to the page'], rows)}",
    )


def _start(machine: Machine) -> float:
    start = time.monotonic()
    machine.start()
    try:
        if not machine.page_answers(LIMIT_S):
            raise RuntimeError(f"no page after {LIMIT_S:.0f} s: {machine.console[-300:]}")
        took = time.monotonic() - start
        time.sleep(10)  # what is written last gets to the card
    finally:
        machine.cut_power()
    return took
