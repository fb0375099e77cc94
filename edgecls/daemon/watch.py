"""What happens to one frame: gate, light, classifier, smoothing, visits. No camera, no disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from edgecls.config import Config
from edgecls.daemon.looking import Decider as Decider
from edgecls.daemon.looking import Judge as Judge
from edgecls.daemon.looking import Looking
from edgecls.sections.judging import VisitSection
from edgecls.types import Frame, Region
from edgecls.vision.light import Light, LightMeter
from edgecls.vision.motion import Motion, MotionGate
from edgecls.vision.quiet import is_quiet
from edgecls.vision.smoothing import Smoothing, bounds_around
from edgecls.vision.tamper import Tamper, TamperWatch, Told
from edgecls.vision.visits import Bounds, Change, Visits

log = logging.getLogger(__name__)

LARGE_S = 10.0
"""A visit that wants a mover of some size begins within so long of the last one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the watch makes of one frame.

    Args:    score: of this frame, or the last one's where nothing changed since; 0 to 1.
             smoothed: the steady score.   frozen: the camera repeats one picture.
             latencies_ms: one per classification; empty when the frame was not judged.
             light: there is.   tamper: what has just begun, or "over"; None otherwise.
             tampered: what is wrong with the camera now, if anything.
    """

    motion: Motion
    score: float
    smoothed: float
    frozen: bool
    latencies_ms: tuple[float, ...]
    change: Change | None
    light: Light = "day"
    tamper: Told | None = None
    tampered: Tamper | None = None


@dataclass(slots=True)
class Counters:
    """How many frames reached each stage."""

    frames: int = 0
    moved: int = 0
    judged: int = 0
    classifications: int = 0


class Watch:
    """Take frames one after the other and say when somebody arrives and leaves.

    Args:    config: of one camera; its first one is watched.
    """

    def __init__(self, config: Config, decider: Decider) -> None:
        camera = config.camera
        self.counters = Counters()
        self._motion_section = config.motion
        self._camera_is_live = camera.live
        self._min_size = camera.min_size
        self._quiet_hours = config.visit.quiet_hours
        self._gate = MotionGate(config.motion, masks=camera.masks, zones=camera.zones)
        self._meter = LightMeter()
        self._tamper_section = config.tamper
        self._masks = camera.masks
        self._tamper = TamperWatch(config.tamper)
        self._whole = Looking(decider, regions_max=config.motion.regions_max)
        self._looking = Looking(decider, regions_max=config.motion.regions_max, zones=camera.zones)
        self._smoothing = Smoothing(config.visit.smoothing_s)
        self._bounds = bounds_by_light(config.visit, decider.threshold)
        self._visits = Visits(
            camera.name,
            enter=self._bounds["day"].enter,
            leave=self._bounds["day"].leave,
            night=self._bounds["night"],
            leave_after_s=config.visit.leave_after_s,
            lost_after_s=config.visit.lost_after_s,
        )
        self._score = 0.0
        self._judged_s: float | None = None
        self._large_s: float | None = None
        self._kept: Region | None = None
        self._told_still = False  # tampering, by the watch before this one

    def go_on_from(self, before: Watch) -> None:
        """Take the place of another watch on the same camera, between two visits.

        What the camera usually sees was learnt for hours: it stays, unless the masks or the section
        are others. Tampering that was told is then told as over: nobody looks for it any more.
        """
        self.counters = before.counters
        if (self._masks, self._tamper_section) == (before._masks, before._tamper_section):
            self._tamper, self._meter = before._tamper, before._meter
        else:
            self._told_still = before._told_still or before._tamper.state is not None

    @property
    def somebody(self) -> bool:
        """Tell whether a visit lasts."""
        return self._visits.open is not None

    def see(self, frame: Frame) -> Seen:
        """Judge one frame; frames come in the order of their times."""
        self.counters.frames += 1
        now_s = frame.captured_s
        motion = self._gate.look(frame.pixels, now_s)
        self.counters.moved += motion.moved
        light = self._meter.look(frame.pixels, now_s)
        frozen = self._camera_is_live and motion.same_s >= self._motion_section.frozen_after_s
        tamper = self._tampered(now_s, light, frozen=frozen)
        if frozen:  # the picture tells nothing about the door any more
            change = self._visits.without_picture(now_s)
            smoothed = self._smoothing.value or 0.0
            now = self._tamper.state
            return Seen(motion, self._score, smoothed, True, (), change, light, tamper, now)
        self._measure(frame, motion)
        worth = self._worth_judging(frame, motion, light)
        latencies = self._judge(frame, motion, light) if worth else ()
        smoothed = self._smoothing.update(self._score, now_s)
        change = self._visits.update(
            frame,
            score=self._score,
            smoothed=smoothed,
            light=light,
            may_begin=self._is_large_enough(now_s),
            quiet=is_quiet(self._quiet_hours, frame.captured_at),
        )
        now = self._tamper.state
        return Seen(motion, self._score, smoothed, False, latencies, change, light, tamper, now)

    def judge_now(self, frame: Frame) -> float:
        """Return the score of one frame for a press, 0 to 1; nothing else changes by it.

        The whole frame counts, zones or not, and where somebody was seen last. May be called by
        another thread when the judge may.
        """
        return self._whole.judge(frame.pixels, (), self._kept).score

    def without_picture(self, now_s: float) -> Change | None:
        """Say that the camera is away; a visit that lasts too long without a picture ends."""
        return self._visits.without_picture(now_s)

    def finish(self) -> Change | None:
        """End an open visit: the watch is over."""
        return self._visits.finish()

    def _tampered(self, now_s: float, light: Light, *, frozen: bool) -> Told | None:
        if self._told_still:
            self._told_still = False
            return "over"
        if self._gate.grey is None:
            return None
        return self._tamper.look(
            self._gate.grey,
            now_s,
            light=light,
            frozen=frozen,
            somebody=self.somebody,
            hidden=self._gate.hidden,
        )

    def _measure(self, frame: Frame, motion: Motion) -> None:
        """Note when something large enough moved; a change of the whole picture is."""
        height_px = max((box.height for box in motion.boxes), default=0)
        whole = motion.moved and not motion.boxes
        if whole or height_px >= self._min_size * frame.pixels.shape[0]:
            self._large_s = frame.captured_s

    def _is_large_enough(self, now_s: float) -> bool:
        return self._min_size == 0 or (
            self._large_s is not None and now_s - self._large_s <= LARGE_S
        )

    def _worth_judging(self, frame: Frame, motion: Motion, light: Light) -> bool:
        """Look when something moved, while somebody is or may be there, and now and then.

        A person who stands still is still there: without motion a visit is judged on. A light that
        goes on is a reason too: often somebody came, and before it was too dark to tell.
        """
        return (
            motion.moved
            or motion.relit
            or self.somebody
            or self._score >= self._bounds[light].leave
            or self._judged_s is None
            or frame.captured_s - self._judged_s >= self._motion_section.recheck_s
        )

    def _judge(self, frame: Frame, motion: Motion, light: Light) -> tuple[float, ...]:
        """Score what is to be seen of the frame. Returns the latencies in ms."""
        look = self._looking.judge(frame.pixels, motion.boxes, self._kept)
        if look.score < self._bounds[light].leave:
            self._kept = None
        elif look.region is not None:
            self._kept = look.region
        self._score, self._judged_s = look.score, frame.captured_s
        self.counters.judged += 1
        self.counters.classifications += len(look.latencies_ms)
        log.debug(
            "frame %d: score %.2f from %d pictures",
            frame.sequence,
            look.score,
            len(look.latencies_ms),
        )
        return look.latencies_ms


def bounds_by_light(section: VisitSection, threshold: float) -> dict[Light, Bounds]:
    """Return what opens and ends a visit by day and by night.

    What the section leaves out comes from the bundle's threshold by day, and from the day by night;
    leaving never needs more than entering.
    """
    leave, enter = bounds_around(threshold)
    enter = enter if section.enter is None else section.enter
    leave = min(leave if section.leave is None else section.leave, enter)
    night_enter = enter if section.night_enter is None else section.night_enter
    night_leave = leave if section.night_leave is None else section.night_leave
    return {
        "day": Bounds(enter, leave),
        "night": Bounds(night_enter, min(night_leave, night_enter)),
    }
