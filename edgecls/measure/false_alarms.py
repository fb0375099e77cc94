"""How often a store's visits were false, by what people said of them, per day and camera."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgecls.measure.rates import DailyRate, daily_rate, span_words
from edgecls.types import VisitTally

WORDS_FROM_S = 3600.0
"""Of less time than this, nothing a day is said to people: one answer more would turn it over."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Visits that people said were nobody, against the time their cameras watched.

    Args:    corrected: of `visits`, those that somebody answered.   nobody: of these, the false.
             watched_s: from the first to the last visit of each camera, summed over `cameras`.
             older: kept visits of a time whose others were deleted; counted nowhere else.
    """

    visits: int
    corrected: int
    nobody: int
    cameras: int
    watched_s: float
    older: int = 0

    @property
    def unanswered(self) -> int:
        return self.visits - self.corrected

    @property
    def per_camera_day(self) -> DailyRate | None:
        """Return the rate, as if the unanswered were no false ones; None without any time."""
        return daily_rate(self.nobody, self.watched_s)

    @property
    def known(self) -> DailyRate | None:
        """Return the rate where it can be told to people: with answers, and not of little time."""
        return self.per_camera_day if self.corrected and self.watched_s >= WORDS_FROM_S else None

    def words(self) -> str:
        """Return the rate for people, with what it rests on and what it leaves open."""
        rate = self.known
        if not self.corrected:
            return "not known yet, no visit has been answered"
        if rate is None:
            span = span_words(self.watched_s)
            return f"not known yet, from the first visit to the last it is only {span}"
        words = rate.words()
        if self.cameras > 1:
            words += f", {self.cameras} cameras together"
        if self.unanswered:
            noun = "visit" if self.unanswered == 1 else f"{self.unanswered} visits"
            words += f", if the {noun} without an answer had somebody"
        return words


def false_alarms(tallies: Iterable[VisitTally], *, camera: str | None = None) -> FalseAlarms:
    """Sum what a store counted. Args: camera: only this one's; None takes all of them."""
    found = [one for one in tallies if camera in (None, one.camera)]
    counted = [one for one in found if one.visits]
    return FalseAlarms(
        visits=sum(one.visits for one in counted),
        corrected=sum(one.corrected for one in counted),
        nobody=sum(one.nobody for one in counted),
        cameras=len(counted),
        watched_s=sum((one.last_at - one.first_at).total_seconds() for one in counted),
        older=sum(one.older for one in found),
    )
