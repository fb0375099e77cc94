"""The device's last day as small line charts: points for an SVG, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgecls.web.source import Sample
from edgecls.web.wording import SPACE, bytes_text, count_text, duration_text

WIDTH, HEIGHT = 320.0, 72.0
INSET = 4.0
"""Room above and below the line, for its thickness."""
GAP_S = 600.0
"""Samples farther apart are not joined."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure over time.

    Args:    lines: points of each unbroken line, as SVG's `points` has them.
             words: the same for who cannot see it.
    """

    title: str
    now: str
    low: str
    high: str
    span: str
    lines: tuple[str, ...]
    words: str


def charts(samples: Sequence[Sample]) -> tuple[Chart, ...]:
    """Draw every figure of which there are at least two values."""
    drawn = (_chart(samples, *figure) for figure in FIGURES)
    return tuple(chart for chart in drawn if chart is not None)


def _chart(
    samples: Sequence[Sample],
    title: str,
    value_of: Callable[[Sample], float | None],
    text_of: Callable[[float], str],
    at_least: float,
) -> Chart | None:
    """Args: at_least: the smallest height of the scale, so that noise stays small."""
    known = [(s.at.timestamp(), v) for s in samples if (v := value_of(s)) is not None]
    if len(known) < 2:
        return None
    values = [value for _, value in known]
    low, high = min(values), max(values)
    middle, height = (low + high) / 2, max(high - low, at_least)
    bottom = max(0.0, middle - height / 2) if low >= 0 else middle - height / 2
    first_s, last_s = known[0][0], known[-1][0]
    span_s = max(last_s - first_s, 1.0)
    lines: list[list[str]] = []
    before_s: float | None = None
    for at_s, value in known:
        if before_s is None or not 0 <= at_s - before_s <= GAP_S:
            lines.append([])
        x = WIDTH * min(1.0, max(0.0, (at_s - first_s) / span_s))
        share = (value - bottom) / height
        y = HEIGHT - INSET - (HEIGHT - 2 * INSET) * min(1.0, share)
        lines[-1].append(f"{x:.1f},{y:.1f}")
        before_s = at_s
    span = duration_text(span_s)
    low_text, high_text, now_text = text_of(low), text_of(high), text_of(values[-1])
    return Chart(
        title=title,
        now=now_text,
        low=low_text,
        high=high_text,
        span=span,
        lines=tuple(" ".join(line) for line in lines if len(line) > 1),
        words=f"{title}: between {low_text} and {high_text} in the last {span}, now {now_text}",
    )


def _celsius(value: float) -> str:
    return f"{value:.0f}{SPACE}°C"


def _rate(value: float) -> str:
    return f"{value:.1f}"


def _count(value: float) -> str:
    return count_text(round(value))


def _bytes(value: float) -> str:
    return bytes_text(round(value))


FIGURES: tuple[tuple[str, Callable[[Sample], float | None], Callable[[float], str], float], ...] = (
    ("Temperature", lambda s: s.temperature_c, _celsius, 10.0),
    ("Frames per second", lambda s: s.frames_per_s, _rate, 1.0),
    ("Frames dropped in two minutes", lambda s: s.dropped, _count, 4.0),
    ("Disk free", lambda s: s.disk_free_bytes, _bytes, 100_000_000.0),
    ("Memory used", lambda s: s.memory_bytes, _bytes, 50_000_000.0),
)
"""Title, value, words, smallest height of the scale."""
