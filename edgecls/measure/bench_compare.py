"""Two benchmark files beside each other: what changed, and what is only noise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecls.errors import ConfigError
from edgecls.measure.ratio import Ratio, Rounds, ratio_of_rounds

HINT = "make it with: edgecls benchmark BUNDLE --json > FILE"


@dataclass(frozen=True, slots=True)
class Change:
    """One configuration in both files."""

    name: str
    threads: int
    first_ms: float
    second_ms: float
    ratio: Ratio

    @property
    def verdict(self) -> str:
        if not self.ratio.differs:
            return "no difference can be told"
        word = "slower" if self.ratio.value > 1 else "faster"
        return f"the second is {word}: {self.ratio.value:.3f} times the time"

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "threads": self.threads,
            "first_p50_ms": self.first_ms,
            "second_p50_ms": self.second_ms,
            "ratio": self.ratio.as_json(),
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class BenchComparison:
    """What two files have in common.

    Args:    notes: what differs in how and where they were made.
    """

    first: Path
    second: Path
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return 0

    def as_json(self) -> dict[str, Any]:
        return {
            "first": str(self.first),
            "second": str(self.second),
            "changes": [item.as_json() for item in self.changes],
            "notes": list(self.notes),
        }


def compare_files(first: Path, second: Path) -> BenchComparison:
    """Compare two files of `edgecls benchmark --json`.

    Raises:  ConfigError when one is no such file, or they have no configuration in common.
    """
    one, other = _read(first), _read(second)
    known = {(item["name"], item["threads"]): item for item in one["configurations"]}
    changes = []
    for item in other["configurations"]:
        match = known.get((item["name"], item["threads"]))
        if match is not None:
            changes.append(
                Change(
                    item["name"],
                    item["threads"],
                    match["latency"]["p50_ms"],
                    item["latency"]["p50_ms"],
                    ratio_of_rounds(_rounds(match), _rounds(item)),
                )
            )
    if not changes:
        raise ConfigError(
            f"{first} and {second} have no variant with the same threads in common",
            hint="run both with the same --variant and --threads",
        )
    return BenchComparison(first, second, tuple(changes), tuple(_notes(one, other)))


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        for item in data["configurations"]:
            if len(_rounds(item)) < 2:
                raise ConfigError(f"{path}: {item['name']} has one round, expected at least 2")
            if not all(map(_measured, _rounds(item))):
                raise ConfigError(f"{path}: {item['name']}: expected times above 0 in every round")
            float(item["latency"]["p50_ms"])
            int(item["threads"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is no benchmark of edgecls: {error!r}", hint=HINT) from error
    return dict(data)


def _rounds(item: dict[str, Any]) -> Rounds:
    return [np.array(one["block_p50_ms"], np.float64) for one in item["rounds"]]


def _measured(times: npt.NDArray[np.float64]) -> bool:
    return bool(times.size and np.isfinite(times).all() and times.min() > 0)


def _notes(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    found = []
    for key in ("board", "cpu", "kernel", "libraries"):
        first, second = (data.get("device", {}).get(key) for data in (one, other))
        if first != second:
            found.append(f"{key} differs: {first} and {second}")
    if one.get("images") != other.get("images"):
        found.append(f"the pictures differ: {one.get('images')} and {other.get('images')}")
    for which, data in (("first", one), ("second", other)):
        for item in data["configurations"]:
            found += [
                f"the {which}, {item['name']}, threads {item['threads']}: {warning}"
                for warning in item.get("warnings", [])
            ]
    return found
