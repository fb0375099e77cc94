"""An NVIDIA Jetson: thermal zones, throttle alerts, over-current counters, power mode."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgecls._lib import proc
from edgecls.boards.host import CommandRunner, HostBoard
from edgecls.boards.strain import UNDER_VOLTAGE, Strain
from edgecls.types import BoardIdentity

RELEASE = "etc/nv_tegra_release"
ALERT = "-throttle-alert"
OVER_CURRENT = {"oc1": UNDER_VOLTAGE, "oc2": "average over-current", "oc3": "peak over-current"}
"""The counters of the kernel's soctherm_oc (Orin), as NVIDIA's developer guide names them."""
NVPMODEL_S = 10.0


@dataclass(frozen=True, slots=True)
class JetsonLinux:
    """The version of NVIDIA's system: R36, REVISION: 4.3 is (36, 4, 3)."""

    release: tuple[int, ...]

    def __str__(self) -> str:
        return ".".join(map(str, self.release))


class JetsonBoard(HostBoard):
    """Read a Jetson's sensors.

    Args:    root: the folder that stands for "/".   run: starts programs; tests pass their own.
    """

    can_reboot = True

    def __init__(self, root: Path = Path("/"), *, run: CommandRunner = proc.run) -> None:
        super().__init__(root, run=run)

    def identity(self) -> BoardIdentity:
        """Return the model, and the system with the version of Jetson Linux."""
        plain = super().identity()
        linux = self.jetson_linux()
        system = f"{plain.system}, Jetson Linux {linux}" if linux else plain.system
        # A container sees no device tree, but NVIDIA's runtime shows it the release file.
        model = "NVIDIA Jetson" if plain.model == "unknown machine" else plain.model
        return BoardIdentity(model, system, plain.machine)

    def jetson_linux(self) -> JetsonLinux | None:
        """Return the version in /etc/nv_tegra_release, None if it is no Jetson Linux."""
        found = re.match(r"# R(\d+) \(release\), REVISION: (\d+)(?:\.(\d+))?", self._text(RELEASE))
        return JetsonLinux(tuple(int(part) for part in found.groups("0"))) if found else None

    def temperature_c(self) -> float | None:
        """Return the hottest of the chip's zones.

        A constant 100 is what the zone of the power chip (PMIC) says; fan estimates are no sensors.
        """
        chip = [
            value
            for name, value in self._zones().items()
            if not name.lower().startswith(("pmic", "thermal-fan", "iwlwifi", "tboard", "tdiode"))
        ]
        return max(chip, default=None)

    def strain(self) -> Strain | None:
        """Return what holds the clock down; None where this kernel has no alerts (before Orin).

        What comes from over-current counters is known for the time since the start only.
        """
        alerts = self._alerts()
        counters = self._over_current()
        if not alerts and counters is None:
            return None
        now = tuple(f"{name} throttled by heat" for name, on in sorted(alerts.items()) if on)
        return Strain(now, now + (counters or ()))

    def power_mode(self) -> str | None:
        """Return the name of the power mode, from nvpmodel's files or from the program itself."""
        status = re.search(r"pmode:(\d+)", self._text("var/lib/nvpmodel/status"))
        modes: dict[str, str] = dict(
            re.findall(
                r"^<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>",
                self._text("etc/nvpmodel.conf"),
                re.MULTILINE,
            )
        )
        if status and (name := modes.get(str(int(status.group(1))))):
            return name
        try:
            done = self._run(("nvpmodel", "-q"), timeout_s=NVPMODEL_S)
        except (OSError, subprocess.SubprocessError):
            return None
        said = re.search(r"NV Power Mode: (\S+)", done.stdout)
        return said.group(1) if said else None

    def _alerts(self) -> dict[str, bool]:
        """Return which part of the chip is throttled: the kernel's alert devices, by part."""
        found = {}
        for folder in (self._root / "sys/class/thermal").glob("cooling_device*"):
            path = folder.relative_to(self._root)
            kind = self._text(f"{path}/type")
            if kind.endswith(ALERT):
                part = kind.removesuffix(ALERT).upper()
                found[part] = self._text(f"{path}/cur_state") not in ("", "0")
        return found

    def _over_current(self) -> tuple[str, ...] | None:
        """Return which over-current events happened since the start, None without counters."""
        for folder in (self._root / "sys/class/hwmon").glob("hwmon*"):
            path = folder.relative_to(self._root)
            if self._text(f"{path}/name") == "soctherm_oc":
                return tuple(
                    word
                    for counter, word in OVER_CURRENT.items()
                    if self._text(f"{path}/{counter}_event_cnt") not in ("", "0")
                )
        return None
