"""What a board says of heat and of its supply."""

from __future__ import annotations

from dataclasses import dataclass

UNDER_VOLTAGE = "under-voltage"
"""The word for a supply or cable that is too weak, on every board that notices."""


@dataclass(frozen=True, slots=True)
class Strain:
    """What holds the clock down.

    Args:    now: at this moment.   since_boot: at any time since the last start, `now` included.
    """

    now: tuple[str, ...]
    since_boot: tuple[str, ...]
