"""Quiet hours: spans of the day in the device's own time, which may reach over midnight."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time


def is_quiet(hours: Sequence[str], at: datetime) -> bool:
    """Tell whether `at`, as a clock at the device shows it, lies in one of "HH:MM-HH:MM".

    The first minute belongs to a span, the last does not; equal ends mean the whole day.

    Args:    at: timezone-aware; turned into the device's local time.
    """
    if not hours:
        return False
    now = at.astimezone().time()
    return any(_within(span, now) for span in hours)


def _within(span: str, now: time) -> bool:
    begin, end = (time.fromisoformat(word) for word in span.split("-"))
    if begin < end:
        return begin <= now < end
    return now >= begin or now < end
