"""Heat, supply, clocks, and the pins of the button."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

from edgecls.boards.strain import UNDER_VOLTAGE, Strain
from edgecls.doctor.finding import Finding, fail, ok, skip, warn
from edgecls.doctor.patient import Patient

SUPPLY = "use the maker's own power supply and a short, thick cable; unplug what hangs on USB"
COOLING = "give it a heat sink or a fan, and air"


def check_temperature(patient: Patient) -> Iterator[Finding]:
    """Compare the processor's temperature with what the board bears."""
    value_c = patient.board.temperature_c()
    if value_c is None:
        yield skip("temperature", "this machine has no sensor that tells")
        return
    limits = patient.firmware.temperature if patient.firmware else None
    text = f"{value_c:.0f} C"
    if limits and value_c >= limits.limit_c:
        yield fail("temperature", f"{text}: it slows itself down", fix=COOLING)
    elif limits and value_c > limits.warn_c:
        yield warn("temperature", f"{text}, warm for this board", fix=COOLING)
    else:
        yield ok("temperature", text)


def check_strain(patient: Patient) -> Iterator[Finding]:
    """Tell of heat and of a weak supply, now and since the last start."""
    strain = patient.board.strain()
    if strain is None:
        yield skip("supply", "this machine does not tell")
        yield skip("throttling", "this machine does not tell")
        return
    yield _under_voltage(strain)
    yield _throttling(strain)


def _under_voltage(strain: Strain) -> Finding:
    if UNDER_VOLTAGE in strain.now:
        return fail("supply", "under-voltage now", fix=SUPPLY)
    if UNDER_VOLTAGE in strain.since_boot:
        return warn("supply", "under-voltage since the last start", fix=SUPPLY)
    return ok("supply", "no under-voltage since the last start")


def _throttling(strain: Strain) -> Finding:
    now = [word for word in strain.now if word != UNDER_VOLTAGE]
    earlier = [word for word in strain.since_boot if word != UNDER_VOLTAGE]
    if now:
        return warn("throttling", f"now: {', '.join(now)}", fix=COOLING)
    if earlier:
        return warn("throttling", f"since the last start: {', '.join(earlier)}", fix=COOLING)
    return ok("throttling", "none since the last start")


def check_power_mode(patient: Patient) -> Iterator[Finding]:
    """Tell a Jetson's power mode; another than the suggested one may be wanted."""
    wished = patient.firmware.power.nvpmodel if patient.firmware else None
    if wished is None:
        return
    mode = patient.board.power_mode()
    if mode is None:
        yield skip("power mode", "nvpmodel does not tell")
    elif mode == wished:
        yield ok("power mode", mode)
    else:
        yield ok("power mode", f"{mode}; edgecls suggests {wished} for a door")


def check_gpio(patient: Patient) -> Iterator[Finding]:
    """Look for the pins, where a button is configured."""
    triggers = patient.config.triggers if patient.config else ()
    buttons = [trigger for trigger in triggers if trigger.kind == "button"]
    if not buttons:
        yield skip("gpio", "no button is configured")
        return
    chips = sorted((patient.root / "dev").glob("gpiochip*"))
    if not chips:
        yield fail("gpio", "the kernel shows no GPIO pins", fix="run on a board that has them")
    elif not any(os.access(chip, os.R_OK | os.W_OK) for chip in chips):
        fix = "sudo usermod -aG gpio $USER, then log in again"
        yield fail("gpio", f"no permission to open {chips[0].name}", fix=fix)
    elif importlib.util.find_spec("gpiozero") is None:
        fix = 'pip install "edgecls[gpio]"'
        yield fail("gpio", "the library gpiozero is not installed", fix=fix)
    else:
        pins = ", ".join(f"GPIO{button.pin}" for button in buttons)
        yield ok("gpio", f"{len(chips)} chips; the button is on {pins}")
