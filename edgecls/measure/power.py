"""How much power the machine draws while something runs, where it has a meter that may be read.

Intel and AMD processors count the package's energy (RAPL). Jetson modules have INA3221 chips that
tell the power of supply rails at this moment. Elsewhere there is no figure, and none is made up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from typing_extensions import Self

T = TypeVar("T")

EVERY_S = 0.1
SAMPLES_MIN = 3
NOT_CONNECTED = "NC"

SUPPLIES: Sequence[tuple[str, ...]] = (
    ("VDD_IN",),  # the whole module: Orin Nano, Orin NX, Xavier NX, TX2
    ("5V_IN",),
    ("POM_5V_IN",),  # the first Nano
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),  # AGX Orin, which has no rail for the whole
    ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),  # AGX Xavier, likewise
)
"""Rails that are added up, the first set that is there; `source` names them with the figure."""


@dataclass(frozen=True, slots=True)
class Power:
    """Mean power in watts, idle power included.

    Args:    source: the meter and what it covers: "RAPL package-0", "INA3221 VDD_IN".
    """

    watts: float
    source: str


class PowerMeter(Protocol):
    """Measures from entering to leaving; `power` is then known, None where reading failed."""

    power: Power | None

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def powered(work: Callable[[], T], *, root: Path = Path("/")) -> tuple[T, Power | None]:
    """Do the work; return what it gives, and the mean power meanwhile.

    Args:    root: the folder that stands for "/".
    """
    meter = find_meter(root)
    if meter is None:
        return work(), None
    with meter:
        done = work()
    return done, meter.power


def find_meter(root: Path) -> PowerMeter | None:
    """Return the meter of this machine, None where there is none that we may read."""
    zones = RaplMeter.zones(root)
    if zones:
        return RaplMeter(zones)
    rails = module_rails(root)
    return Ina3221Meter(rails) if rails else None


class RaplMeter:
    """The energy counters of the processor packages.

    Args:    zones: their folders under /sys/class/powercap.
    """

    def __init__(
        self, zones: Sequence[Path], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._zones, self._clock = zones, clock
        self.power: Power | None = None

    @staticmethod
    def zones(root: Path) -> list[Path]:
        """Return the packages that can be read; since 2020 that takes root."""
        found = sorted((root / "sys/class/powercap").glob("intel-rapl:[0-9]*"))
        packages = [zone for zone in found if zone.name.count(":") == 1]
        return [zone for zone in packages if _number(zone / "energy_uj") is not None]

    def __enter__(self) -> Self:
        self._before, self._begun_s = self._read(), self._clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        seconds, after = self._clock() - self._begun_s, self._read()
        used = [
            _difference(zone, first, second)
            for zone, first, second in zip(self._zones, self._before, after, strict=True)
        ]
        known = [value for value in used if value is not None]
        if len(known) == len(used) and seconds > 0:
            names = " + ".join(_text(zone / "name") or zone.name for zone in self._zones)
            self.power = Power(sum(known) / 1e6 / seconds, f"RAPL {names}")

    def _read(self) -> list[float | None]:
        return [_number(zone / "energy_uj") for zone in self._zones]


def _difference(zone: Path, before: float | None, after: float | None) -> float | None:
    """Return the energy between two readings in microjoules; a counter that wrapped is mended."""
    if before is None or after is None:
        return None
    if after >= before:
        return after - before
    span = _number(zone / "max_energy_range_uj")
    return None if span is None else after - before + span


class Ina3221Meter:
    """A Jetson's power chip, read ten times a second by a thread of its own.

    Args:    rails: by name, each a function that reads watts; see module_rails.
             every_s: between readings.
    """

    def __init__(
        self, rails: Mapping[str, Callable[[], float | None]], *, every_s: float = EVERY_S
    ) -> None:
        self._rails, self._every_s = rails, every_s
        self._samples: list[float | None] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="power", daemon=True)
        self.power: Power | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        known = [value for value in self._samples if value is not None]
        if len(known) == len(self._samples) >= SAMPLES_MIN:
            self.power = Power(sum(known) / len(known), f"INA3221 {' + '.join(self._rails)}")

    def _sample(self) -> None:
        while True:
            values = [read() for read in self._rails.values()]
            known = [value for value in values if value is not None]
            self._samples.append(sum(known) if len(known) == len(values) else None)
            if self._ended.wait(self._every_s):
                return


def module_rails(root: Path) -> dict[str, Callable[[], float | None]]:
    """Return the rails of the first set of SUPPLIES that is there, empty where none is."""
    rails = {**_iio_rails(root), **_hwmon_rails(root)}
    for names in SUPPLIES:
        if all(name in rails for name in names):
            return {name: rails[name] for name in names}
    return {}


def _hwmon_rails(root: Path) -> dict[str, Callable[[], float | None]]:
    """Find rails as kernels from 5.10 on (JetPack 5) tell them: millivolts and milliamperes."""
    found: dict[str, Callable[[], float | None]] = {}
    for folder in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(folder / "name") != "ina3221":
            continue
        for channel in (1, 2, 3):  # 4 and up are the chip's own sums
            label = _text(folder / f"in{channel}_label")
            if label and label != NOT_CONNECTED:
                volts, amperes = folder / f"in{channel}_input", folder / f"curr{channel}_input"
                found[label] = _product(volts, amperes)
    return found


def _iio_rails(root: Path) -> dict[str, Callable[[], float | None]]:
    """Find rails as kernel 4.9 (JetPack 4) tells them: milliwatts."""
    found: dict[str, Callable[[], float | None]] = {}
    for folder in sorted((root / "sys/bus/i2c/drivers/ina3221x").glob("*/iio:device*")):
        for channel in (0, 1, 2):
            label = _text(folder / f"rail_name_{channel}")
            if label and label != NOT_CONNECTED:
                found[label] = _milli(folder / f"in_power{channel}_input")
    return found


def _product(millivolts: Path, milliamperes: Path) -> Callable[[], float | None]:
    def watts() -> float | None:
        volts, amperes = _number(millivolts), _number(milliamperes)
        return None if volts is None or amperes is None else volts * amperes / 1e6

    return watts


def _milli(path: Path) -> Callable[[], float | None]:
    def watts() -> float | None:
        value = _number(path)
        return None if value is None else value / 1e3

    return watts


def _number(path: Path) -> float | None:
    try:
        return float(_text(path))
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
