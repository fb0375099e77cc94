"""Any Linux machine, by what its kernel tells in files."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol

from typing_extensions import Self

from edgecls._lib import proc
from edgecls.boards.strain import Strain
from edgecls.errors import BoardError
from edgecls.types import BoardIdentity

CPU_ZONES = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc-thermal", "k10temp", "acpitz")
"""Types of thermal zones that are the processor's, surest first."""
REBOOT = ("systemctl", "reboot")
REBOOT_S = 30.0


class CommandRunner(Protocol):
    """How programs are started: `_lib.proc.run`, or a test's own."""

    def __call__(
        self, command: tuple[str, ...], *, timeout_s: float
    ) -> subprocess.CompletedProcess[str]: ...


class HostBoard:
    """A machine we know nothing special about; boards that we know more about build on it.

    Args:    root: the folder that stands for "/", for recorded machines in tests.
             run: starts programs; tests pass their own.
    """

    can_reboot: ClassVar[bool] = False
    """Whether this is an appliance: a machine that may be somebody's desk is not restarted."""

    def __init__(self, root: Path = Path("/"), *, run: CommandRunner = proc.run) -> None:
        self._root = root
        self._run = run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held."""

    def identity(self) -> BoardIdentity:
        """Return the maker's model name, from the device tree or DMI, and the system's name."""
        dmi = (self._text(f"sys/class/dmi/id/{part}") for part in ("sys_vendor", "product_name"))
        model = self._text("proc/device-tree/model") or " ".join(filter(None, dmi))
        system = self._os_release().get("PRETTY_NAME", platform.system())
        return BoardIdentity(model or "unknown machine", system, platform.machine())

    def temperature_c(self) -> float | None:
        """Return the processor's zone if one is known by name, else the first zone there is."""
        zones = self._zones()
        known = next((zones[name] for name in CPU_ZONES if name in zones), None)
        return known if known is not None else next(iter(zones.values()), None)

    def throttled(self) -> bool | None:
        """Tell whether heat or a weak supply holds the clock down now; None if nobody tells."""
        strain = self.strain()
        return None if strain is None else bool(strain.now)

    def strain(self) -> Strain | None:
        """Return what holds the clock down: None, as a plain machine has no common place for it."""
        return None

    def power_mode(self) -> str | None:
        """Return the name of the board's power mode, None where it has none."""
        return None

    def reboot(self) -> None:
        """Restart the device. Raises: BoardError on somebody's desk, or without the right to."""
        if not self.can_reboot:
            raise BoardError(
                "board 'host' cannot be rebooted by edgecls, expected a board of a known model",
                hint="sudo systemctl reboot",
            )
        try:
            self._run(REBOOT, timeout_s=REBOOT_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise BoardError(
                f"the device refused to restart: {error}", hint="sudo systemctl reboot"
            ) from error

    def _zones(self) -> dict[str, float]:
        """Return the temperature of each thermal zone by its type, in the kernel's order."""
        zones: dict[str, float] = {}
        for folder in sorted((self._root / "sys/class/thermal").glob("thermal_zone*")):
            path = folder.relative_to(self._root)
            try:
                zones.setdefault(self._text(f"{path}/type"), int(self._text(f"{path}/temp")) / 1000)
            except ValueError:
                continue  # a zone that is switched off gives nothing to read
        return zones

    def _text(self, path: str) -> str:
        try:
            raw = (self._root / path).read_bytes()
        except OSError:
            return ""
        return raw.decode("utf-8", "replace").strip("\0 \n")

    def _os_release(self) -> dict[str, str]:
        pairs = (line.partition("=") for line in self._text("etc/os-release").splitlines())
        return {key: value.strip("\"'") for key, _, value in pairs}
