"""Choose the score that opens a visit for a wished rate of false alarms, and say what to expect.

What is counted are occasions: times at which something moved and the model was asked. Frames of one
occasion (one group: a visit, a clip) are hardly independent, so its best score stands for all of
them. What to expect of new occasions is cross-validated: each fold is judged with thresholds that
were chosen without it. Judged with its own, a choice looks better than it is.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgecls.measure.intervals import Estimate, proportion
from edgecls.measure.rates import DAY_S, DailyRate, daily_rate, poisson_interval

FOLDS = 10
STEP = 1000
"""Thresholds are multiples of a thousandth: what a person would type."""
ENTER_MAX = 0.995
HYSTERESIS = 1.05
"""From entering down to leaving, in log-odds: as the defaults around a bundle's threshold."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time that something moved.

    Args:    score: the best the model gave, 0 to 1.   somebody: whether a person was there.
             light: "day" or "night".   group: names it; the same group is never split.
    """

    score: float
    somebody: bool
    light: str
    group: str


@dataclass(frozen=True, slots=True)
class LightChoice:
    """What was chosen for one light, and what to expect there.

    Args:    enter, leave: None where no occasion without anybody says anything.
             nobody, persons: occasions.   false: of the nobody ones told, cross-validated.
             found: of the persons, cross-validated; None without any.
    """

    light: str
    enter: float | None
    leave: float | None
    nobody: int
    persons: int
    false: int
    found: Estimate | None

    def as_json(self) -> dict[str, Any]:
        return {
            "light": self.light,
            "enter": self.enter,
            "leave": self.leave,
            "nobody": self.nobody,
            "persons": self.persons,
            "false": self.false,
            "found": None if self.found is None else self.found.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Tuning:
    """Thresholds for a wished rate, and the rate to expect.

    Args:    wished: false alarms per day.   moves_per_day: occasions with nobody there, per day.
             expected: cross-validated over all lights; None without any occasion.
             needed: occasions without a single false alarm that would prove the wish.
    """

    wished: float
    moves_per_day: float
    choices: tuple[LightChoice, ...]
    expected: DailyRate | None
    needed: int

    @property
    def proven(self) -> bool:
        """Tell whether even the upper end of the interval is within the wish."""
        return self.expected is not None and self.expected.high <= self.wished

    def as_json(self) -> dict[str, Any]:
        return {
            "wished_per_day": self.wished,
            "moves_per_day": round(self.moves_per_day, 3),
            "choices": [choice.as_json() for choice in self.choices],
            "expected": None if self.expected is None else self.expected.as_json(),
            "proven": self.proven,
            "needed": self.needed,
        }


def tuned(
    occasions: Iterable[Occasion],
    *,
    wished: float,
    moves_per_day: float,
    floors: Mapping[str, float],
) -> Tuning:
    """Choose a threshold for each light.

    Args:    wished: false alarms per day, above 0.
             moves_per_day: how often something moves with nobody there; a false alarm is one of
             these. Each light gets the same share of them told.
             floors: by light, the lowest threshold to choose: below it nothing is known.
    """
    united = _united(occasions)
    share = wished / moves_per_day
    choices, false, nobody = [], 0, 0
    for light, floor in floors.items():
        here = [one for one in united if one.light == light]
        negatives = [one.score for one in here if not one.somebody]
        persons = sum(one.somebody for one in here)
        if not negatives:
            choices.append(LightChoice(light, None, None, 0, persons, 0, None))
            continue
        told, found = _cross_validated(here, share, floor)
        enter = threshold_for(negatives, share, floor)
        choices.append(
            LightChoice(
                light,
                enter,
                leave_below(enter),
                len(negatives),
                persons,
                told,
                proportion(found, persons),
            )
        )
        false, nobody = false + told, nobody + len(negatives)
    expected = daily_rate(false, nobody / moves_per_day * DAY_S)
    needed = math.ceil(poisson_interval(0)[1] / share)
    return Tuning(wished, moves_per_day, tuple(choices), expected, needed)


def threshold_for(negatives: Sequence[float], share: float, floor: float) -> float:
    """Return the lowest threshold that at most `share` of the negatives reach.

    It lies just above the highest score that must not be told, in steps of 1 / STEP.
    """
    allowed = int(share * len(negatives) + 1e-9)
    ranked = sorted(negatives, reverse=True)
    if allowed >= len(ranked):
        return floor
    above = (math.floor(ranked[allowed] * STEP + 1e-9) + 1) / STEP
    return min(max(floor, above), ENTER_MAX)


def leave_below(enter: float) -> float:
    """Return the score that lets a visit end which `enter` has opened."""
    odds = math.log(enter / (1.0 - enter)) - HYSTERESIS
    return round(1.0 / (1.0 + math.exp(-odds)), 3)


def _united(occasions: Iterable[Occasion]) -> list[Occasion]:
    """Let the best score of a group stand for it, in each light and for each answer."""
    best: dict[tuple[str, bool, str], Occasion] = {}
    for one in occasions:
        key = (one.group, one.somebody, one.light)
        if key not in best or one.score > best[key].score:
            best[key] = one
    return list(best.values())


def _cross_validated(here: Sequence[Occasion], share: float, floor: float) -> tuple[int, int]:
    """Return how many are told falsely and how many persons found, each judged without itself."""
    folds: dict[int, list[Occasion]] = defaultdict(list)
    for somebody in (False, True):
        ranked = sorted(
            (one for one in here if one.somebody is somebody),
            key=lambda one: hashlib.sha256(one.group.encode()).digest(),
        )
        for place, one in enumerate(ranked):
            folds[place % FOLDS].append(one)
    told = found = 0
    for number, held_out in folds.items():
        rest = [
            one.score
            for other, members in folds.items()
            if other != number
            for one in members
            if not one.somebody
        ]
        enter = threshold_for(rest, share, floor) if rest else floor
        told += sum(one.score >= enter for one in held_out if not one.somebody)
        found += sum(one.score >= enter for one in held_out if one.somebody)
    return told, found
