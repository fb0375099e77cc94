"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edgecls.web.wording import (
    bytes_text,
    count_text,
    day_text,
    duration_text,
    iso_text,
    score_text,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (8.2, "8 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (4320, "1 h 12 min"),
        (86_400 * 3 + 3600 * 4 + 59, "3 d 4 h"),
        (86_400 * 3 + 60 * 4, "3 d"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (999_600, "1 MB"),
        (118_400_000, "118 MB"),
        (12_440_000_000, "12.4 GB"),
        (2_000_000_000_000, "2 TB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert bytes_text(count).replace("\N{NO-BREAK SPACE}", " ") == text


def test_counts_are_grouped() -> None:
    assert count_text(1_234_567) == "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567"


@pytest.mark.parametrize(
    ("score", "text"), [(0.0, "0.00"), (0.974, "0.97"), (0.999, "0.99"), (1.0, "1.00")]
)
def test_only_a_sure_score_reads_one(score: float, text: str) -> None:
    assert score_text(score) == text


def test_days_are_the_devices_own() -> None:
    now = datetime(2026, 11, 20, 12).astimezone()
    assert day_text(now.replace(hour=0), now) == "Today"
    assert day_text(now - timedelta(days=1), now) == "Yesterday"
    assert day_text(now - timedelta(days=2), now) == "Wed 18 Nov"
    assert day_text(now - timedelta(days=365), now) == "Thu 20 Nov 2025"
    assert day_text(now + timedelta(days=1), now) == "Sat 21 Nov"  # the clock jumped back


def test_iso_is_utc() -> None:
    at = datetime(2026, 11, 20, 14, 2, 11, 900_000, tzinfo=timezone(timedelta(hours=1)))
    assert iso_text(at) == "2026-11-20T13:02:11Z"
