"""What is tried, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Target:
    """Something that reads what others wrote.

    Args:    check: raises for what must not happen.
             weight: its part of the cases of a long run.
    """

    what: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    weight: float = 1.0
