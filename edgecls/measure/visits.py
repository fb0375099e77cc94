"""Hold the visits that a watch reported against what is known to have happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TOLERANCE_S = 1.0
"""Room at both ends of a known interval: its times are noted to half a second; twice that."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in seconds of the clip."""

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.begin_s

    def overlap_s(self, other: Span) -> float:
        """Return for how long both last; negative by the gap between them."""
        return min(self.end_s, other.end_s) - max(self.begin_s, other.begin_s)


@dataclass(frozen=True, slots=True)
class VisitScore:
    """How one clip was understood.

    Args:    expected: known intervals.   found: those with a visit.   visits: reported ones.
             false: visits while nobody was there.   split: visits beyond the first of an interval.
             delays_s: per found interval, from its begin to its first visit, not below 0.
             covered: part of the known time that visits cover; None without known intervals.
             false_s: how long visits lasted while nobody was there.
    """

    expected: int
    found: int
    visits: int
    false: int
    split: int
    delays_s: tuple[float, ...]
    covered: float | None
    false_s: float

    @property
    def missed(self) -> int:
        return self.expected - self.found


def score_visits(
    visits: Sequence[Span], known: Sequence[Span], *, tolerance_s: float = TOLERANCE_S
) -> VisitScore:
    """Match reported visits with known intervals, both in the order of time.

    A visit belongs to the interval it shares most time with, ends widened by `tolerance_s`; a visit
    that shares none is false. A visit that covers two intervals finds both.
    """
    wide = [Span(span.begin_s - tolerance_s, span.end_s + tolerance_s) for span in known]
    owners: list[int | None] = []
    for visit in visits:
        shared = [visit.overlap_s(span) for span in wide]
        best = max(range(len(wide)), key=shared.__getitem__, default=None)
        owners.append(best if best is not None and shared[best] >= 0 else None)
    delays: list[float] = []
    for span in known:
        touching = [v for v in visits if v.overlap_s(span) > 0]
        near = [v for v, owner in zip(visits, owners, strict=True) if owner is not None
                and known[owner] is span]  # fmt: skip
        first = min(touching + near, key=lambda v: v.begin_s, default=None)
        if first is not None:
            delays.append(max(0.0, first.begin_s - span.begin_s))
    known_s = sum(span.length_s for span in known)
    covered_s = sum(max(0.0, v.overlap_s(span)) for v in visits for span in known)
    outside_s = sum(v.length_s - sum(max(0.0, v.overlap_s(span)) for span in wide) for v in visits)
    belonging = [owner for owner in owners if owner is not None]
    return VisitScore(
        expected=len(known),
        found=len(delays),
        visits=len(visits),
        false=owners.count(None),
        split=len(belonging) - len(set(belonging)),
        delays_s=tuple(delays),
        covered=covered_s / known_s if known_s else None,
        false_s=max(0.0, outside_s),
    )
