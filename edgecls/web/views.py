"""What the templates show: a household's values turned into words, once, here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from edgecls.types import Event, Visit
from edgecls.web.source import Now
from edgecls.web.wording import clock_text, day_text, duration_text, iso_text, score_text

STATES = {
    "person": "Person at the door",
    "nobody": "Nobody at the door",
    "no_picture": "No picture",
    "starting": "Waiting for the camera",
}
JUDGED = ("person", "nobody")
STALE_S = 10.0  # a picture older than this is shown as old
CORRECTED = {"person": "You: a person", "nobody": "You: nobody"}
HAPPENED = {
    "pressed": "Doorbell pressed",
    "camera_lost": "The camera went away",
    "camera_back": "The camera is back",
}
LIGHTS = {"day": "Day", "night": "Night, infra-red"}
TAMPERED = {
    "covered": "The camera is covered",
    "blurred": "The picture is blurred",
    "frozen": "The picture is frozen",
    "turned": "The camera was turned",
    "over": "The camera sees as before",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One point in time: for machines, and as day and clock for people."""

    iso: str
    day: str
    clock: str


@dataclass(frozen=True, slots=True)
class NowView:
    """The state at the door: a key of STATES. `score` is None where there is none to show.

    `score_width` is 0 to 100, for the bar.
    """

    camera: str
    state: str
    title: str
    since: Moment
    lasts: str
    score: str | None
    score_width: float
    picture_age: str | None
    stale: bool
    problem: str | None


@dataclass(frozen=True, slots=True)
class VisitView:
    """One visit. `length` reads "12 s", "for 12 s so far" or that it is not known."""

    id: int
    camera: str
    start: Moment
    end: Moment | None
    length: str
    score: str
    snapshot_url: str | None
    frame_urls: tuple[str, ...]
    here: bool
    interrupted: bool
    kept: bool
    pressed: bool
    light: str
    night: bool
    correction: str | None
    corrected: str | None


@dataclass(frozen=True, slots=True)
class DayOfVisits:
    """Visits of one day, newest first."""

    day: str
    visits: tuple[VisitView, ...]


@dataclass(frozen=True, slots=True)
class HappeningView:
    """A press, or trouble with a camera. `alarm`: it asks for a look."""

    id: int
    title: str
    detail: str | None
    camera: str
    at: Moment
    picture_url: str | None
    visit_id: int | None
    alarm: bool


def moment_view(at: datetime, now: datetime) -> Moment:
    """Prepare `at` for a <time> element."""
    return Moment(iso_text(at), day_text(at, now), clock_text(at))


def now_view(now: Now, at: datetime) -> NowView:
    """Prepare the state at the door, seen at `at`."""
    age_s = now.frame_age_s
    starting = now.state == "no_picture" and age_s is None and now.problem is None
    state = "starting" if starting else now.state
    return NowView(
        camera=now.camera,
        state=state,
        title=STATES[state],
        since=moment_view(now.since, at),
        lasts=duration_text((at - now.since).total_seconds()),
        score=None if now.score is None or state not in JUDGED else score_text(now.score),
        score_width=0.0 if now.score is None else round(100 * now.score, 1),
        picture_age=None if age_s is None else duration_text(age_s),
        stale=age_s is not None and (now.state == "no_picture" or age_s > STALE_S),
        problem=now.problem,
    )


def visit_view(visit: Visit, now: datetime) -> VisitView:
    """Prepare one visit, seen at `now`."""
    return VisitView(
        id=visit.id,
        camera=visit.camera,
        start=moment_view(visit.started_at, now),
        end=None if visit.ended_at is None else moment_view(visit.ended_at, now),
        length=_length(visit, now),
        score=score_text(visit.peak_score),
        snapshot_url=_picture_url(visit.snapshot),
        frame_urls=tuple(f"/snapshots/{frame}" for frame in visit.frames),
        here=visit.ended_at is None and not visit.interrupted,
        interrupted=visit.interrupted,
        kept=visit.kept,
        pressed=visit.pressed,
        light=LIGHTS[visit.light],
        night=visit.light == "night",
        correction=visit.correction,
        corrected=CORRECTED.get(visit.correction or ""),
    )


def days_view(visits: Iterable[Visit], now: datetime) -> tuple[DayOfVisits, ...]:
    """Prepare visits under the day they began on, in the order given."""
    views = [visit_view(visit, now) for visit in visits]
    return tuple(
        DayOfVisits(day, tuple(group)) for day, group in groupby(views, key=lambda v: v.start.day)
    )


def happenings_view(events: Sequence[Event], now: datetime) -> tuple[HappeningView, ...]:
    """Prepare presses and troubles, in the order given."""
    return tuple(
        HappeningView(
            id=event.id,
            title=_tampered(event) if event.kind == "tampered" else HAPPENED[event.kind],
            detail=_who(event) if event.kind == "pressed" else None,
            camera=event.camera,
            at=moment_view(event.at, now),
            picture_url=_picture_url(event.snapshot),
            visit_id=event.visit_id,
            alarm=event.kind == "camera_lost"
            or (event.kind == "tampered" and event.detail != "over"),
        )
        for event in events
    )


def tamperings_of(doors: Iterable[Now]) -> tuple[str, ...]:
    """Return what is wrong with cameras this moment, in a few words each; empty when all see."""
    return tuple(
        f"{TAMPERED[now.tampered]} ({now.camera})" for now in doors if now.tampered is not None
    )


def _tampered(event: Event) -> str:
    return TAMPERED.get(event.detail or "", "Something is wrong with the camera")


def _who(event: Event) -> str:
    if event.somebody is None:
        return "there was no picture"
    seen = "a person was seen" if event.somebody else "nobody was seen"
    return seen if event.score is None else f"{seen}, score {score_text(event.score)}"


def _picture_url(name: str | None) -> str | None:
    return None if name is None else f"/snapshots/{name}"


def _length(visit: Visit, now: datetime) -> str:
    if visit.ended_at is None:
        if visit.interrupted:
            return "length not known"
        return f"{duration_text((now - visit.started_at).total_seconds())} so far"
    text = duration_text((visit.ended_at - visit.started_at).total_seconds())
    return f"at least {text}" if visit.interrupted else text
