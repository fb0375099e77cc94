"""Numbers and times as people read them; times in the device's zone, until the script localises."""

from __future__ import annotations

from datetime import datetime, timezone

SPACE = "\N{NO-BREAK SPACE}"


def duration_text(seconds: float) -> str:
    """Say a duration in its two largest units: "8 s", "2 min 5 s", "1 h 12 min", "3 d 4 h"."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{SPACE}{unit}")
        elif parts:
            break  # "1 h 5 s" says more than it knows
    return " ".join(parts[:2])


def bytes_text(count: int) -> str:
    """Say a size in decimal units, as disks are sold: "512 kB", "12.4 GB"."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f}{SPACE}{unit}" if unit in ("B", "kB") else f"{size:.3g}{SPACE}{unit}"
        size /= 1000
    return f"{size:.3g}{SPACE}TB"


def count_text(count: int) -> str:
    """Group thousands by thin spaces: 12 345."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def score_text(score: float) -> str:
    """Say a score with two decimals; 1.00 only for what is 1."""
    return f"{min(score, 0.99) if score < 1 else 1:.2f}"


def clock_text(at: datetime) -> str:
    """Return hours and minutes in the device's time zone."""
    return f"{at.astimezone():%H:%M}"


def day_text(at: datetime, now: datetime) -> str:
    """Return "Today", "Yesterday" or the date, in the device's time zone."""
    day = at.astimezone().date()
    days = (now.astimezone().date() - day).days
    if days in (0, 1):
        return ("Today", "Yesterday")[days]
    year = "" if day.year == now.astimezone().year else f" {day.year}"
    return f"{day:%a} {day.day} {day:%b}{year}"


def iso_text(at: datetime) -> str:
    """Return UTC to the second as <time datetime> and JSON have it: 2026-11-20T13:02:11Z."""
    return f"{at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def percent_text(share: float) -> str:
    """Say a share with one decimal: 95.1 %."""
    return f"{100 * share:.1f}{SPACE}%"
