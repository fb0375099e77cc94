"""One camera and all that belongs to it: capture, watch, recorder, desk and their loop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone

from edgecls.config import Config
from edgecls.daemon.capture import Capture
from edgecls.daemon.desk import CameraDesk
from edgecls.daemon.event_recorder import EventRecorder
from edgecls.daemon.loop import Loop
from edgecls.daemon.recorder import Recorder, VisitStore
from edgecls.daemon.watch import Decider, Seen, Watch
from edgecls.types import Frame

log = logging.getLogger(__name__)


class Doorway:
    """Put one camera's parts together; `run` is the work of one thread.

    Args:    config: of this camera alone.   place: what lines for people begin with, "" or
             "name: ".   signs: is told of the camera, and what `Loop` says.
             the others: as `Loop` has them.
    """

    def __init__(
        self,
        config: Config,
        decider: Decider,
        store: VisitStore,
        events: EventRecorder,
        *,
        place: str,
        announce: Callable[[str], None],
        stop: threading.Event,
        signs: Callable[[str, Seen | None], None] = lambda *_: None,
    ) -> None:
        section = config.camera
        self._decider = decider
        self.name = section.name
        self.kind = section.kind
        self._masks = section.masks
        self.capture = Capture(section)
        self.desk = CameraDesk(
            self.name,
            self.kind,
            counts=lambda: self.capture.counters,
            clock=time.monotonic,
            now=utc_now,
        )
        self.recorder = Recorder(
            store,
            jpeg_quality=config.store.jpeg_quality,
            frames_max=config.store.frames_max,
            clock=time.monotonic,
            now=utc_now,
        )
        self.loop = Loop(
            self.capture,
            Watch(config, decider),
            self.recorder,
            self.desk,
            events,
            label=decider.label,
            place=place,
            announce=announce,
            stop=stop,
            failing=self._failing,
            signs=lambda seen: signs(self.name, seen),
        )

    @property
    def watch(self) -> Watch:
        """Return the watch at work; another one after a reload."""
        return self.loop.watch

    def reload(self, config: Config) -> None:
        """Go on with what can change without a restart. Args: config: of this camera alone."""
        if config.camera.masks != self._masks:
            self._masks = config.camera.masks
            self.capture.change(config.camera)  # they are drawn where the frames come from
        self.recorder.jpeg_quality = config.store.jpeg_quality
        self.loop.renew(lambda: Watch(config, self._decider))

    def run(self, *, once: bool) -> None:
        """Open the camera and watch; see `Loop.run`."""
        with self.capture:
            self.loop.run(once=once)
        self._log_counters()

    def newest_frame(self) -> Frame | None:
        """Return the newest frame of the camera, whatever its age; None before the first."""
        return self.desk.newest_frame()

    def judge_press(self, frame: Frame) -> tuple[float, bool]:
        """Return the score of one frame, and whether somebody is there, for a press.

        Who is in the middle of a visit and so near that the frame alone does not tell is there too.
        """
        score = self.watch.judge_now(frame)
        return score, score >= self._decider.threshold or self.watch.somebody

    def _failing(self) -> bool:
        """Tell a camera that has failed from one whose next frame is not there yet."""
        counters = self.capture.counters
        return counters.failures > 0 and not counters.connected

    def _log_counters(self) -> None:
        counters, captured = self.watch.counters, self.capture.counters
        log.info(
            "camera %s: frames %d, moved %d, judged %d, classifications %d; dropped %d, "
            "camera restarts %d",
            self.name,
            counters.frames,
            counters.moved,
            counters.judged,
            counters.classifications,
            captured.dropped,
            captured.restarts,
        )


def utc_now() -> datetime:
    """Return the wall clock."""
    return datetime.now(timezone.utc)
