"""Run the watch over recorded frames, as fast as they come: no camera, no clock, no disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgecls.cameras.replay import ReplayCamera
from edgecls.config import Config
from edgecls.daemon.watch import Counters, Decider, Watch
from edgecls.errors import CameraEndedError
from edgecls.sections.camera import CaptureSection, ReplayCameraSection
from edgecls.types import Frame
from edgecls.vision.light import Light
from edgecls.vision.masks import PrivacyMask
from edgecls.vision.tamper import Told
from edgecls.vision.visits import Sighting

READ_S = 60.0
"""A file that gives no frame for so long is broken."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The scores at one frame, for drawing and for choosing thresholds."""

    at_s: float
    moved: bool
    score: float
    smoothed: float
    light: Light = "day"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the watch would have told. Times are the frames' own.

    Args:    tamperings: what began or was over, and when.
    """

    visits: tuple[Sighting, ...]
    moments: tuple[Moment, ...]
    counters: Counters
    tamperings: tuple[tuple[float, Told], ...] = ()


def rehearse(config: Config, decider: Decider, frames: Iterable[Frame]) -> Rehearsal:
    """Watch `frames` to their end; a visit that lasts then is ended, as `--once` does."""
    watch = Watch(config, decider)
    visits: list[Sighting] = []
    moments: list[Moment] = []
    tamperings: list[tuple[float, Told]] = []
    for frame in frames:
        seen = watch.see(frame)
        moments.append(
            Moment(frame.captured_s, seen.motion.moved, seen.score, seen.smoothed, seen.light)
        )
        if seen.tamper is not None:
            tamperings.append((frame.captured_s, seen.tamper))
        if seen.change is not None and seen.change.kind == "left":
            visits.append(seen.change.sighting)
    last = watch.finish()
    if last is not None:
        visits.append(last.sighting)
    return Rehearsal(tuple(visits), tuple(moments), watch.counters, tuple(tamperings))


def config_of_clip(config: Config, clip: Path) -> Config:
    """Return the configuration whose camera plays `clip` once, with the camera's own choices.

    Its frames per second, masks, zones and sizes stay; where its pictures came from does not.
    """
    kept = {
        name: getattr(config.camera, name)
        for name in CaptureSection.model_fields
        if name in type(config.camera).model_fields
    }
    camera = ReplayCameraSection(kind="replay", source=clip, loop=False, realtime=False, **kept)
    return config.model_copy(update={"cameras": (camera,)})


def frames_of_clip(section: ReplayCameraSection) -> Iterator[Frame]:
    """Play a clip without waiting; times count from 0 s. Masks are black, as in the daemon.

    Raises:  CameraError when it cannot be read.
    """
    mask = PrivacyMask(section.masks)
    with ReplayCamera(section, clock=lambda: 0.0) as camera, suppress(CameraEndedError):
        while True:
            yield mask.applied(camera.read(READ_S))
