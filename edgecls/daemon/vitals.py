"""The daemon's signs of life, told to the service manager, to Prometheus and to the page."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from edgecls import __version__
from edgecls.config import Config
from edgecls.daemon.doorway import Doorway
from edgecls.daemon.golden import GoldenCheck
from edgecls.daemon.health import Health, HealthState
from edgecls.daemon.metrics import CameraFigures, HouseFigures, Metrics
from edgecls.daemon.notify import Notifier
from edgecls.daemon.process import disk_free_bytes, memory_bytes
from edgecls.daemon.progress import Progress
from edgecls.daemon.watch import Seen
from edgecls.ports import Board
from edgecls.sections.camera import CaptureSection
from edgecls.store.reader import StoreReader

log = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""Silence after which a camera's loop is stuck, where no watchdog says how long it waits."""
SLACK = 2.0
"""A picture is stale when it is twice as old as the slowest that is in order."""


class Troubled(Protocol):
    """Something that may not get its work done. Args: problem: why not, or None."""

    @property
    def problem(self) -> str | None: ...


class Vitals:
    """Take in every sign of every camera; may be told by several threads.

    Args:    notifier: fed for progress.   golden: asked again now and then, by whoever has a frame.
             model: "name version, variant".   clock: monotonic seconds.
    """

    def __init__(
        self,
        config: Config,
        notifier: Notifier,
        golden: GoldenCheck,
        reader: StoreReader,
        board: Board,
        *,
        model: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._golden = golden
        self._golden_turn = threading.Lock()
        self._reader = reader
        self._board = board
        self._clock = clock
        self._started_s = clock()
        self._doorways: Sequence[Doorway] = ()
        self._recorders: Sequence[Troubled] = ()
        self._progress = Progress(
            [camera.name for camera in config.cameras],
            feed=notifier.feed,
            patience_s=notifier.watchdog_s or PATIENCE_S,
            sane=golden.right,
            clock=clock,
        )
        self._health = Health(
            ages_s=self._progress.ages_s,
            limits_s={camera.name: stale_after_s(camera) for camera in config.cameras},
            model_problem=lambda: golden.problem,
            store_problem=self._store_problem,
        )
        for camera in config.cameras:
            _warn_of_patience(camera, notifier.watchdog_s)
        self._metrics = Metrics(self._of_cameras, self._of_house, version=__version__, model=model)

    def watch_over(self, doorways: Sequence[Doorway]) -> None:
        """Say whose figures are asked for; before the first sign."""
        self._doorways = doorways
        self._recorders = [doorway.recorder for doorway in doorways]

    def sign(self, camera: str, seen: Seen | None) -> None:
        """Take in what became of a frame, or that there was none; called by the camera's loop."""
        if seen is None:
            self._progress.away(camera)
            return
        self._metrics.judged(camera, seen.latencies_ms)
        if self._golden_turn.acquire(blocking=False):  # one of them asks, the others go on
            try:
                self._golden.tick()
            finally:
                self._golden_turn.release()
        self._progress.frame(camera)

    def pressed(self, trigger: str) -> None:
        """Count a press. Args: trigger: its name."""
        self._metrics.pressed(trigger)

    def soundness(self) -> HealthState:
        """Return what /healthz tells."""
        return self._health.state()

    def metrics_text(self) -> bytes:
        """Return what /metrics tells."""
        return self._metrics.text()

    def _store_problem(self) -> str | None:
        return next((its.problem for its in self._recorders if its.problem), None)

    def _of_cameras(self) -> dict[str, CameraFigures]:
        ages_s = self._progress.ages_s()
        return {
            doorway.name: CameraFigures(
                capture=doorway.capture.counters,
                watch=doorway.watch.counters,
                visits=doorway.loop.visits,
                age_s=ages_s[doorway.name],
            )
            for doorway in self._doorways
        }

    def _of_house(self) -> HouseFigures:
        outbox = {state.sink: (state.waiting, state.dead) for state in self._reader.outbox_state()}
        return HouseFigures(
            healthy=self.soundness().ok,
            outbox=outbox,
            temperature_c=self._board.temperature_c(),
            disk_free_bytes=disk_free_bytes(self._reader.folder),
            store_bytes=self._reader.bytes_used(),
            memory_bytes=memory_bytes(),
            uptime_s=self._clock() - self._started_s,
        )


def stale_after_s(camera: CaptureSection) -> float:
    """Return the age from which on a camera's newest picture says nothing about the door."""
    return SLACK * max(camera.frame_timeout_s, 1 / camera.fps)


def _warn_of_patience(camera: CaptureSection, watchdog_s: float | None) -> None:
    """Say so when a camera may take longer to come back than the watchdog waits for a frame."""
    back_s = camera.frame_timeout_s + camera.restart_max_s + camera.open_timeout_s
    needs_s = max(back_s, 1 / camera.fps)
    if watchdog_s is not None and needs_s > watchdog_s:
        log.warning(
            "camera %s may need %g s until its next frame, and the watchdog waits for %g s: "
            "raise WatchdogSec of the unit",
            camera.name,
            needs_s,
            watchdog_s,
        )
