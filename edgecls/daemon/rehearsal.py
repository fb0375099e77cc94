"""Run the watch over recorded frames, as fast as they come: no camera, no clock, no disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgecls.config import Config
from edgecls.daemon.watch import Counters, Decider, Watch
from edgecls.types import Frame
from edgecls.vision.visits import Sighting


@dataclass(frozen=True, slots=True)
class Moment:
    """The scores at one frame, for drawing and for choosing thresholds."""

    at_s: float
    moved: bool
    score: float
    smoothed: float


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the watch would have told. Times are the frames' own."""

    visits: tuple[Sighting, ...]
    moments: tuple[Moment, ...]
    counters: Counters


def rehearse(config: Config, decider: Decider, frames: Iterable[Frame]) -> Rehearsal:
    """Watch `frames` to their end; a visit that lasts then is ended, as `--once` does."""
    watch = Watch(config, decider)
    visits: list[Sighting] = []
    moments: list[Moment] = []
    for frame in frames:
        seen = watch.see(frame)
        moments.append(Moment(frame.captured_s, seen.motion.moved, seen.score, seen.smoothed))
        if seen.change is not None and seen.change.kind == "left":
            visits.append(seen.change.sighting)
    last = watch.finish()
    if last is not None:
        visits.append(last.sighting)
    return Rehearsal(tuple(visits), tuple(moments), watch.counters)
