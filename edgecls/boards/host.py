"""Any Linux machine, by what its kernel tells in files."""

from __future__ import annotations

import platform
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from edgecls.errors import BoardError
from edgecls.types import BoardIdentity

CPU_ZONES = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc-thermal", "k10temp", "acpitz")
"""Types of thermal zones that are the processor's, surest first."""


class HostBoard:
    """A machine we know nothing special about.

    Args:    root: the folder that stands for "/", for recorded machines in tests.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

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
        zones: dict[str, float] = {}
        for folder in sorted((self._root / "sys/class/thermal").glob("thermal_zone*")):
            path = folder.relative_to(self._root)
            try:
                zones.setdefault(self._text(f"{path}/type"), int(self._text(f"{path}/temp")) / 1000)
            except ValueError:
                continue  # a zone that is switched off gives nothing to read
        known = next((zones[name] for name in CPU_ZONES if name in zones), None)
        return known if known is not None else next(iter(zones.values()), None)

    def throttled(self) -> bool | None:
        """Return None: a plain Linux machine has no common place that tells."""
        return None

    def reboot(self) -> None:
        """Refuse: a machine that may be somebody's desk is not restarted from here."""
        raise BoardError(
            "board 'host' cannot be rebooted by edgecls, expected a board of a known model",
            hint="sudo systemctl reboot",
        )

    def _text(self, path: str) -> str:
        try:
            raw = (self._root / path).read_bytes()
        except OSError:
            return ""
        return raw.decode("utf-8", "replace").strip("\0 \n")

    def _os_release(self) -> dict[str, str]:
        pairs = (line.partition("=") for line in self._text("etc/os-release").splitlines())
        return {key: value.strip("\"'") for key, _, value in pairs}
