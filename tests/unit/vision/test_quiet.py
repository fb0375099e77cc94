"""Quiet hours: by the device's clock, over midnight."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from edgecls.vision.quiet import is_quiet


def local(hour: int, minute: int = 0) -> datetime:
    """Return a moment that a clock at this machine shows so, in UTC as frames have it."""
    return datetime(2026, 3, 4, hour, minute).astimezone().astimezone(timezone.utc)


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"),
    [(21, 59, False), (22, 0, True), (3, 0, True), (6, 29, True), (6, 30, False), (12, 0, False)],
)
def test_over_midnight(hour: int, minute: int, quiet: bool) -> None:
    assert is_quiet(["22:00-06:30"], local(hour, minute)) is quiet


def test_several_spans_and_none() -> None:
    spans = ["13:00-15:00", "22:00-23:00"]
    assert [is_quiet(spans, local(hour)) for hour in (12, 13, 15, 22, 23)] == [
        False, True, False, True, False,
    ]  # fmt: skip
    assert not is_quiet([], local(13))


def test_equal_ends_are_the_whole_day() -> None:
    assert all(is_quiet(["08:00-08:00"], local(hour)) for hour in range(24))
