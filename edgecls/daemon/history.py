"""The device's recent past in memory: one sample every two minutes, for a day."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from edgecls.errors import EdgeclsError
from edgecls.web.source import Sample

log = logging.getLogger(__name__)

EVERY_S = 120.0
SAMPLES_MAX = 720
"""A day of them: about 0.2 MB."""


class History:
    """Call `take` now and then, from a thread of its own, between `start` and `close`.

    Args:    take: returns the present sample.   every_s: pause between two.
    """

    def __init__(self, take: Callable[[], Sample], *, every_s: float = EVERY_S) -> None:
        self._take = take
        self._every_s = every_s
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Take a sample, and go on doing so."""
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop. May be called twice, and before `start`."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def add(self) -> None:
        """Take one sample now."""
        self._samples.append(self._take())

    def samples(self) -> Sequence[Sample]:
        """Return what there is, oldest first."""
        return tuple(self._samples)

    def _run(self) -> None:
        while True:
            try:
                self.add()
            except (EdgeclsError, OSError) as error:  # a sample is missed, the history goes on
                log.warning("no sample for the history: %s", error)
            if self._stop.wait(self._every_s):
                return
