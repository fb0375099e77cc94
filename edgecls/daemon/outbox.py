"""Deliver the outbox of one sink: in order, at least once, with pauses that grow while it fails."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Protocol

from edgecls._lib.deadline import Deadline
from edgecls.errors import SinkError, StoreError
from edgecls.logs import RepeatedError
from edgecls.ports import Sink
from edgecls.sections.sinks import SinkSection
from edgecls.store.outbox import Undelivered

log = logging.getLogger(__name__)

IDLE_S = 5.0
"""An empty outbox is looked at this often, besides when it is rung for."""
FAREWELL_S = 3.0
"""At the end, what waits is delivered for so long, as long as it works."""
JITTER = 0.5
"""The part of each pause that chance decides: devices that lost one broker do not return as one."""


class OutboxStore(Protocol):
    """The part of the store that an outbox is drained from."""

    def undelivered(self, sink: str) -> Undelivered | None: ...

    def delivered(self, sink: str, event_id: int) -> None: ...

    def not_delivered(
        self, sink: str, event_id: int, *, error: str, dead: bool, counts: bool = True
    ) -> None: ...

    def snapshot(self, name: str) -> bytes | None: ...


class Drain:
    """Hand one sink its events until told to stop. Used by one thread; any may ring or stop it.

    Args:    clock: monotonic seconds.   chance: 0 to 1, anew at each call.
    """

    def __init__(
        self,
        section: SinkSection,
        sink: Sink,
        store: OutboxStore,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = section.name
        self.delivered = self.failed = self.dead = 0
        self._section = section
        self._sink = sink
        self._store = store
        self._clock = clock
        self._chance = chance
        self._failures = 0
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._trouble = RepeatedError(log, f"sink {section.name}")

    def ring(self) -> None:
        """Say that there is something new."""
        self._bell.set()

    def stop(self) -> None:
        """Let `run` deliver what waits, as long as that works at once, and return."""
        self._stopping.set()
        self._bell.set()

    def run(self) -> None:
        """Drain until `stop`."""
        while not self._stopping.is_set():
            self._bell.clear()
            pause_s = self.step()
            if pause_s is None:
                self._bell.wait(IDLE_S)
            elif pause_s:
                self._stopping.wait(pause_s)
        farewell = Deadline(FAREWELL_S, clock=self._clock)
        if self._failures == 0:
            while self.step() == 0.0 and not farewell.passed:
                pass

    def step(self) -> float | None:
        """Try to deliver the oldest event.

        Returns: how long to wait before the next try, in seconds: 0 after a success, None when
                 nothing waits.
        """
        try:
            waiting = self._store.undelivered(self.name)
            if waiting is None:
                return None
            return self._deliver(waiting)
        except StoreError as error:
            return self._pause_s(error)

    def _deliver(self, waiting: Undelivered) -> float:
        event = waiting.event
        snapshot = None if event.snapshot is None else self._store.snapshot(event.snapshot)
        try:
            self._sink.deliver(event, snapshot)
        except SinkError as error:
            self.failed += 1
            attempts = waiting.attempts + error.reached
            dead = not error.retryable or attempts >= self._section.attempts_max
            self._store.not_delivered(
                self.name, event.id, error=error.message, dead=dead, counts=error.reached
            )
            if not dead:
                return self._pause_s(error)
            self.dead += 1
            log.error("sink %s: gave event %d up: %s", self.name, event.id, error)  # noqa: TRY400
            return 0.0
        self._store.delivered(self.name, event.id)
        self.delivered += 1
        self._failures = 0
        self._trouble.recovered()
        return 0.0

    def _pause_s(self, error: Exception) -> float:
        """Return the next pause: twice the last one, and somewhat shorter by chance."""
        self._trouble.failed(error)
        longest_s = self._section.retry_max_s
        doublings = min(self._failures, 32)  # more would only overflow
        self._failures += 1
        whole_s = min(longest_s, self._section.retry_min_s * 2**doublings)
        return float(whole_s * (1 - JITTER * self._chance()))
