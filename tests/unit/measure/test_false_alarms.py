"""False alarms per camera-day: what is counted, and what the words leave open."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from edgecls.measure.false_alarms import false_alarms
from edgecls.types import VisitTally

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def tally(camera: str, visits: int, corrected: int, nobody: int, days: float = 2) -> VisitTally:
    return VisitTally(camera, visits, corrected, nobody, NOON, NOON + timedelta(days=days))


def test_the_days_of_each_camera_are_added_up() -> None:
    both = [tally("door", 9, 9, 4), tally("garden", 5, 5, 2, days=1)]
    found = false_alarms(both)
    assert (found.visits, found.nobody, found.watched_s) == (14, 6, 3 * 86_400)
    assert found.words() == "6 in 3.0 days: 2 a day (0.73 to 4.4), 2 cameras together"
    assert false_alarms(both, camera="garden").words() == "2 in 24.0 hours: 2 a day (0.24 to 7.2)"


def test_a_visit_that_is_kept_for_a_year_stretches_nothing() -> None:
    kept = VisitTally("garden", 0, 0, 0, NOON - timedelta(days=365), NOON, older=3)
    found = false_alarms([tally("door", 9, 9, 4), kept])
    assert (found.visits, found.older, found.cameras, found.watched_s) == (9, 3, 1, 2 * 86_400)


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        ([], "not known yet, no visit has been answered"),
        ([tally("door", 9, 0, 0)], "not known yet, no visit has been answered"),
        ([tally("door", 1, 1, 1, days=0)], "first visit to the last it is only 0 seconds"),
        ([tally("door", 3, 3, 1, days=0.01)], "not known yet, from the first visit to the last"),
        ([tally("door", 9, 9, 0)], "0 in 2.0 days: at most 1.8 a day"),
        ([tally("door", 9, 8, 0)], "at most 1.8 a day, if the visit without an answer had"),
        ([tally("door", 9, 5, 1)], "if the 4 visits without an answer had somebody"),
    ],
)
def test_what_is_not_known_is_said(counted: list[VisitTally], words: str) -> None:
    found = false_alarms(counted)
    assert words in found.words()
    assert (found.known is None) == words.startswith(("not known", "first visit"))
