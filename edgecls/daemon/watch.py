"""What happens to one frame: gate, regions, classifier, smoothing, visits. No camera, no disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from edgecls.config import Config
from edgecls.types import Classification, Frame, Pixels, Region
from edgecls.vision.motion import Motion, MotionGate
from edgecls.vision.regions import propose
from edgecls.vision.smoothing import Smoothing, bounds_around
from edgecls.vision.visits import Change, Visits

log = logging.getLogger(__name__)


class Judge(Protocol):
    """Whatever tells what a picture shows; `edgecls.classifier.Classifier` in the daemon."""

    def classify(self, pixels: Pixels) -> Classification: ...


@dataclass(frozen=True, slots=True)
class Decider:
    """Who judges, and which label counts.

    Args:    label: the one people are told about.   threshold: its score from which on it counts.
             side_px: the model's input size; smaller regions would only be blown up.
    """

    judge: Judge
    label: str
    threshold: float
    side_px: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What the watch makes of one frame.

    Args:    score: of this frame, or the last one's where nothing changed since; 0 to 1.
             smoothed: the steady score.   frozen: the camera repeats one picture.
             latencies_ms: one per classification; empty when the frame was not judged.
    """

    motion: Motion
    score: float
    smoothed: float
    frozen: bool
    latencies_ms: tuple[float, ...]
    change: Change | None


@dataclass(slots=True)
class Counters:
    """How many frames reached each stage."""

    frames: int = 0
    moved: int = 0
    judged: int = 0
    classifications: int = 0


class Watch:
    """Take frames one after the other and say when somebody arrives and leaves."""

    def __init__(self, config: Config, decider: Decider) -> None:
        self.counters = Counters()
        self._decider = decider
        self._motion_section = config.motion
        self._camera_is_live = config.camera.live
        self._gate = MotionGate(config.motion)
        self._smoothing = Smoothing(config.visit.smoothing_s)
        leave, enter = bounds_around(decider.threshold)
        self._enter = config.visit.enter if config.visit.enter is not None else enter
        self._leave = config.visit.leave if config.visit.leave is not None else leave
        self._leave = min(self._leave, self._enter)
        self._visits = Visits(
            config.camera.name,
            enter=self._enter,
            leave=self._leave,
            leave_after_s=config.visit.leave_after_s,
            lost_after_s=config.visit.lost_after_s,
        )
        self._score = 0.0
        self._judged_s: float | None = None
        self._kept: Region | None = None

    @property
    def somebody(self) -> bool:
        """Tell whether a visit lasts."""
        return self._visits.open is not None

    def see(self, frame: Frame) -> Seen:
        """Judge one frame; frames come in the order of their times."""
        self.counters.frames += 1
        motion = self._gate.look(frame.pixels, frame.captured_s)
        self.counters.moved += motion.moved
        frozen = self._camera_is_live and motion.same_s >= self._motion_section.frozen_after_s
        if frozen:  # the picture tells nothing about the door any more
            change = self._visits.without_picture(frame.captured_s)
            smoothed = self._smoothing.value or 0.0
            return Seen(motion, self._score, smoothed, True, (), change)
        latencies = self._judge(frame, motion) if self._worth_judging(frame, motion) else ()
        smoothed = self._smoothing.update(self._score, frame.captured_s)
        change = self._visits.update(frame, score=self._score, smoothed=smoothed)
        return Seen(motion, self._score, smoothed, False, latencies, change)

    def without_picture(self, now_s: float) -> Change | None:
        """Say that the camera is away; a visit that lasts too long without a picture ends."""
        return self._visits.without_picture(now_s)

    def finish(self) -> Change | None:
        """End an open visit: the watch is over."""
        return self._visits.finish()

    def _worth_judging(self, frame: Frame, motion: Motion) -> bool:
        """Look when something moved, while somebody is or may be there, and now and then.

        A person who stands still is still there: without motion a visit is judged on. A light that
        goes on is a reason too: often somebody came, and before it was too dark to tell.
        """
        return (
            motion.moved
            or motion.relit
            or self.somebody
            or self._score >= self._leave
            or self._judged_s is None
            or frame.captured_s - self._judged_s >= self._motion_section.recheck_s
        )

    def _judge(self, frame: Frame, motion: Motion) -> tuple[float, ...]:
        """Score the whole frame and the regions; the best counts. Returns the latencies in ms."""
        height, width = frame.pixels.shape[:2]
        regions = propose(
            motion.boxes,
            width=width,
            height=height,
            side_min=self._decider.side_px,
            regions_max=self._motion_section.regions_max,
        )
        if self._kept is not None and self._kept not in regions:
            regions += (self._kept,)  # somebody who stands still there moves no pixel
        whole = self._decider.judge.classify(frame.pixels)
        best, best_region, latencies = whole.scores[self._decider.label], None, [whole.latency_ms]
        for region in regions:
            result = self._decider.judge.classify(region.crop(frame.pixels))
            latencies.append(result.latency_ms)
            if result.scores[self._decider.label] > best:
                best, best_region = result.scores[self._decider.label], region
        if best < self._leave:
            self._kept = None
        elif best_region is not None:
            self._kept = best_region
        self._score, self._judged_s = best, frame.captured_s
        self.counters.judged += 1
        self.counters.classifications += len(latencies)
        log.debug("frame %d: score %.2f from %d pictures", frame.sequence, best, len(latencies))
        return tuple(latencies)
