"""Visits: who stays is one visit, who leaves ends it, and times are the frames' own."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edgecls.types import Frame
from edgecls.vision.visits import Change, Visits

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=timezone.utc)


def frame_at(seconds: float, *, wall: datetime | None = None) -> Frame:
    at = wall or NOON + timedelta(seconds=seconds)
    return Frame(np.zeros((2, 2, 3), np.uint8), 1000 + seconds, at, int(seconds * 4))


@pytest.fixture
def visits() -> Visits:
    return Visits("door", enter=0.6, leave=0.4, leave_after_s=3.0, lost_after_s=30.0)


def shown(visits: Visits, scores: list[float], *, start_s: float = 0.0) -> list[Change]:
    """Show one score a second; return what changed."""
    changes = [
        visits.update(frame_at(start_s + index), score=score, smoothed=score)
        for index, score in enumerate(scores)
    ]
    return [change for change in changes if change is not None]


def test_nobody_is_no_visit(visits: Visits) -> None:
    assert shown(visits, [0.0, 0.3, 0.59, 0.1]) == []
    assert visits.open is None


def test_a_visit_from_arrival_to_leaving(visits: Visits) -> None:
    arrived, left = shown(visits, [0.1, 0.7, 0.97, 0.8, 0.1, 0.1, 0.1, 0.1])
    assert arrived.kind == "arrived"
    assert arrived.sighting.started_at == NOON + timedelta(seconds=1)
    assert left.kind == "left"
    assert not left.interrupted
    assert left.sighting.seen_at == NOON + timedelta(seconds=3)
    assert left.sighting.peak_score == 0.97
    assert left.sighting.best.captured_s == 1002
    assert visits.open is None


def test_a_score_between_leave_and_enter_keeps_a_visit_and_opens_none(visits: Visits) -> None:
    assert shown(visits, [0.5] * 9) == []
    assert [change.kind for change in shown(visits, [0.7] + [0.5] * 60, start_s=10)] == ["arrived"]


def test_a_short_look_away_is_the_same_visit(visits: Visits) -> None:
    changes = shown(visits, [0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.9])
    assert [change.kind for change in changes] == ["arrived"]


def test_the_next_one_is_another_visit(visits: Visits) -> None:
    changes = shown(visits, [0.9, 0.1, 0.1, 0.1, 0.1, 0.8])
    assert [change.kind for change in changes] == ["arrived", "left", "arrived"]
    assert changes[2].sighting.peak_score == 0.8


def test_a_jump_of_the_wall_clock_does_not_bend_the_visit(visits: Visits) -> None:
    visits.update(frame_at(0), score=0.9, smoothed=0.9)
    year_2020 = datetime(2020, 1, 1, tzinfo=timezone.utc)
    visits.update(frame_at(5, wall=year_2020), score=0.9, smoothed=0.9)
    left = visits.update(frame_at(9, wall=year_2020), score=0.0, smoothed=0.0)
    assert left is not None
    assert left.sighting.seen_at == NOON + timedelta(seconds=5)


def test_a_lost_camera_ends_a_visit_after_its_time(visits: Visits) -> None:
    visits.update(frame_at(0), score=0.9, smoothed=0.9)
    assert visits.without_picture(1029.0) is None
    left = visits.without_picture(1030.0)
    assert left is not None
    assert left.interrupted
    assert left.sighting.seen_s == 1000
    assert visits.without_picture(2000.0) is None


def test_finish_ends_an_open_visit_once(visits: Visits) -> None:
    visits.update(frame_at(0), score=0.9, smoothed=0.9)
    left = visits.finish()
    assert left is not None
    assert left.interrupted
    assert visits.finish() is None
