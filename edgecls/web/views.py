"""What the templates show: a household's values turned into words, once, here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edgecls.types import Visit
from edgecls.web.source import CameraHealth, Health, Now
from edgecls.web.wording import (
    SPACE,
    bytes_text,
    clock_text,
    count_text,
    day_text,
    duration_text,
    iso_text,
    score_text,
)

STATES = {
    "person": "Person at the door",
    "nobody": "Nobody at the door",
    "no_picture": "No picture",
    "starting": "Waiting for the camera",
}
JUDGED = ("person", "nobody")
STALE_S = 10.0  # a picture older than this is shown as old
WARM_C = 80.0  # where a Raspberry Pi begins to slow itself down
LOW_DISK_BYTES = 500_000_000


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
    here: bool
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the device's condition; `wrong` asks for a look."""

    name: str
    value: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts under one heading."""

    title: str
    facts: tuple[Fact, ...]


def moment_view(at: datetime, now: datetime) -> Moment:
    """Prepare `at` for a <time> element."""
    return Moment(iso_text(at), day_text(at, now), clock_text(at))


def now_view(now: Now, at: datetime) -> NowView:
    """Prepare the state at the door, seen at `at`."""
    age_s = now.frame_age_s
    starting = now.state == "no_picture" and age_s is None and now.problem is None
    state = "starting" if starting else now.state
    return NowView(
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
    here = visit.ended_at is None and not visit.interrupted
    return VisitView(
        id=visit.id,
        camera=visit.camera,
        start=moment_view(visit.started_at, now),
        end=None if visit.ended_at is None else moment_view(visit.ended_at, now),
        length=_length(visit, now),
        score=score_text(visit.peak_score),
        snapshot_url=None if visit.snapshot is None else f"/snapshots/{visit.snapshot}",
        here=here,
        interrupted=visit.interrupted,
    )


def _length(visit: Visit, now: datetime) -> str:
    if visit.ended_at is None:
        if visit.interrupted:
            return "length not known"
        return f"{duration_text((now - visit.started_at).total_seconds())} so far"
    text = duration_text((visit.ended_at - visit.started_at).total_seconds())
    return f"at least {text}" if visit.interrupted else text


def health_view(health: Health) -> tuple[FactGroup, ...]:
    """Prepare the device's condition; what the board cannot tell is left out."""
    inference = health.inference_p50_ms
    model = (
        Fact("Name", health.model),
        Fact("Time per picture", "none yet" if inference is None else f"{inference:.1f}{SPACE}ms"),
        Fact("Pictures judged", count_text(health.inferences)),
    )
    device = [Fact("Board", health.board), Fact("Up for", duration_text(health.uptime_s))]
    if health.temperature_c is not None:
        hot = health.temperature_c >= WARM_C
        device.append(Fact("Temperature", f"{health.temperature_c:.0f}{SPACE}°C", hot))
    if health.throttled:
        device.append(Fact("Processor", "slowed by heat or voltage", True))
    device += [
        Fact("Memory used", bytes_text(health.memory_bytes)),
        Fact(
            "Disk free",
            bytes_text(health.disk_free_bytes),
            health.disk_free_bytes < LOW_DISK_BYTES,
        ),
        Fact("Visits take", bytes_text(health.store_bytes)),
    ]
    return (
        *(_camera_facts(camera) for camera in health.cameras),
        FactGroup("Classifier", model),
        FactGroup("Device", tuple(device)),
    )


def _camera_facts(camera: CameraHealth) -> FactGroup:
    return FactGroup(
        f"Camera {camera.name}",
        (
            Fact("Kind", camera.kind),
            Fact("Connected", "yes" if camera.connected else "no", not camera.connected),
            Fact("Speed", f"{camera.frames_per_s:.1f} frames/s"),
            Fact("Frames seen", count_text(camera.frames)),
            Fact("Frames dropped", count_text(camera.frames_dropped)),
            Fact("Restarts", count_text(camera.restarts)),
        ),
    )
