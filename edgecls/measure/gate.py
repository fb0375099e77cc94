"""A budget for lost accuracy: which variants stay inside it, and why one does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgecls.errors import ConfigError
from edgecls.measure.difference import Difference

RULES = ("bound", "point")


@dataclass(frozen=True, slots=True)
class Gate:
    """Hold every variant's loss against float32 to `max_drop_pp` percentage points.

    Args:    rule: "bound" wants the whole 95 % interval of the paired difference inside the budget,
             so that too few images never pass by luck; "point" compares the difference alone.
    Raises:  ConfigError for another rule or a budget that is no number from 0 to 100.
    """

    max_drop_pp: float
    rule: str
    differences: tuple[Difference, ...]

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ConfigError(f"gate {self.rule!r}, expected one of {', '.join(RULES)}")
        if not 0 <= self.max_drop_pp <= 100:
            raise ConfigError(f"max-drop-pp {self.max_drop_pp}, expected 0 to 100")

    def drop_pp(self, difference: Difference) -> float:
        """Return the loss that counts, in percentage points; negative is a gain."""
        value = difference.accuracy.low if self.rule == "bound" else difference.accuracy.value
        return round(-100 * value, 9)  # 7 of 1000 are 0.7 pp, whatever floats make of it

    def holds(self, difference: Difference) -> bool:
        return self.drop_pp(difference) <= self.max_drop_pp

    @property
    def passed(self) -> bool:
        """Tell whether every variant holds; with nothing to hold there is no passing."""
        return bool(self.differences) and all(
            self.holds(difference) for difference in self.differences
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """Say of each variant outside the budget why it is, or that there was none."""
        if not self.differences:
            return ("no variant ran here beside the one that it is measured against",)
        return tuple(self._reason(item) for item in self.differences if not self.holds(item))

    def _reason(self, item: Difference) -> str:
        found = item.accuracy
        told = (
            f"difference {100 * found.value:+.2f} pp, 95 % interval {100 * found.low:+.2f} to "
            f"{100 * found.high:+.2f}, n = {found.n}"
        )
        if self.rule == "point":
            return f"{item.variant} loses more than {self.max_drop_pp:g} pp: {told}"
        return f"{item.variant} may lose more than {self.max_drop_pp:g} pp: {told}"

    def as_json(self) -> dict[str, Any]:
        return {
            "max_drop_pp": self.max_drop_pp,
            "rule": self.rule,
            "passed": self.passed,
            "reasons": list(self.reasons),
        }
