"""Figures as words, the same in every table."""

from __future__ import annotations

from edgecls.measure.intervals import Estimate
from edgecls.measure.ratio import Ratio


def percent(found: Estimate | None) -> str:
    """Write a proportion in percent with its interval: "95.10 [93.6,96.2]"."""
    if found is None:
        return "none"
    return f"{100 * found.value:.2f} [{100 * found.low:.1f},{100 * found.high:.1f}]"


def points(found: Estimate) -> str:
    """Write a difference of proportions in percentage points, signed, with its interval."""
    value, low, high = (round(100 * x, 2) + 0.0 for x in (found.value, found.low, found.high))
    return f"{value:+.2f} [{low:+.2f},{high:+.2f}]"


def plain(found: Estimate | None, *, digits: int = 3) -> str:
    """Write a figure with its interval."""
    if found is None:
        return "none"
    low, value, high = (f"{x:.{digits}f}" for x in (found.low, found.value, found.high))
    return f"{value} [{low},{high}]"


def ratio(found: Ratio | None) -> str:
    """Write a ratio with its interval."""
    return f"{found.value:.3f} [{found.low:.3f},{found.high:.3f}]" if found else ""
