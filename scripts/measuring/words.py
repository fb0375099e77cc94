"""Figures as this page writes them, and whether an aim is met."""

from __future__ import annotations

from edgecls.measure.intervals import Estimate
from edgecls.measure.ratio import Ratio


def percent(found: Estimate) -> str:
    low, high = 100 * found.low, 100 * found.high
    return f"{100 * found.value:.2f} % [{low:.2f}, {high:.2f}]"


def points(found: Estimate) -> str:
    """Write a difference in percentage points; no minus before a zero."""
    value, low, high = (round(100 * x, 2) + 0.0 for x in (found.value, found.low, found.high))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def times(found: Ratio) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def met(value: float, low: float, high: float, *, least: float) -> str:
    """Say whether a figure reaches `least`; and whether its interval leaves that open."""
    word = "yes" if value >= least else "no"
    return word if not low < least <= high else f"{word} by the value; the interval leaves it open"
