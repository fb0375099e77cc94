"""Say how far a TensorRT build is: it takes minutes, and only version 10 and later tells steps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from typing_extensions import Self

Told = Callable[[str, int, int, float], None]
"""Hears what is done, steps done, steps in all (0: TensorRT does not tell), seconds since begin."""

EVERY_S = 10.0
WORDS = "building the engine"


class BuildProgress:
    """Pass a build's steps on, and a sign of life where there are none.

    Args:    told: called from TensorRT's thread and from one of ours, never from both at once.
             every_s: the longest silence.
    """

    def __init__(
        self, told: Told, *, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._told, self._every_s, self._clock = told, every_s, clock
        self._now = (WORDS, 0, 0)
        self._begun_s = clock()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="engine-build", daemon=True)
        self.interrupted = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def moved(self, what: str, done: int, total: int) -> None:
        """Tell a step."""
        with self._lock:
            self._now = (what, done, total)
            self._told(*self._now, self._clock() - self._begun_s)

    def monitor(self, trt: Any) -> Any:  # Any: a trt.IProgressMonitor, None before version 10
        """Return what TensorRT calls at each step; Ctrl-C inside it ends the build."""
        if not hasattr(trt, "IProgressMonitor"):
            return None
        owner, totals = self, dict[str, int]()

        class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.IProgressMonitor.__init__(self)

            def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
                del parent
                totals[phase] = steps
                owner._step(phase, 0, steps)

            def step_complete(self, phase: str, step: int) -> bool:
                owner._step(phase, step + 1, totals.get(phase, 0))
                return not owner.interrupted

            def phase_finish(self, phase: str) -> None:
                totals.pop(phase, None)

        return Monitor()

    def _step(self, phase: str, done: int, total: int) -> None:
        try:
            self.moved(phase, done, total)
        except KeyboardInterrupt:  # nothing may be raised through TensorRT's own code
            self.interrupted = True

    def _beat(self) -> None:
        while not self._ended.wait(self._every_s):
            with self._lock:
                self._told(*self._now, self._clock() - self._begun_s)
