"""Everybody who is told: a thread per sink drains its outbox, and one reports the state."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from typing_extensions import Self

from edgecls import plugins
from edgecls.daemon.crew import Crew
from edgecls.daemon.outbox import Drain, OutboxStore
from edgecls.errors import EdgeclsError
from edgecls.logs import RepeatedError
from edgecls.ports import Sink, StateSink
from edgecls.sections.sinks import AnySinkSection, SinkSection
from edgecls.sinks import SINKS
from edgecls.types import DeviceState

log = logging.getLogger(__name__)

REPORT_EVERY_S = 10.0
RETRACT_S = 15.0
"""To reach a sink's other end and take everything back."""


def sinks_from_sections(
    sections: Sequence[AnySinkSection], *, cameras: Sequence[str], restart: Callable[[], None]
) -> list[tuple[SinkSection, Sink]]:
    """Load the sinks of a configuration, each with its section; nothing is opened yet.

    Args:    cameras: the names of the cameras.   restart: asks the daemon to start anew.
    Raises:  MissingDependencyError, ConfigError when one of them cannot work here.
    """
    made: list[tuple[SinkSection, Sink]] = []
    for section in sections:
        make = plugins.load("sink", SINKS, section.kind)
        made.append((section, make(section, cameras=cameras, restart=restart)))
    return made


def retracted(sections: Sequence[AnySinkSection], cameras: Sequence[str]) -> tuple[str, ...]:
    """Let every sink that shows this device take that back; return their names.

    Raises:  SinkError when one cannot.
    """
    sinks = sinks_from_sections(sections, cameras=cameras, restart=lambda: None)
    shown = [(section.name, sink) for section, sink in sinks if isinstance(sink, StateSink)]
    for _, sink in shown:
        sink.retract(RETRACT_S)
    return tuple(name for name, _ in shown)


class Telling:
    """Tell the sinks between entering and leaving.

    Args:    sinks: opened here, and closed.   state: asks how things are; not if nobody shows it.
             stop: set when a thread fails; `join` raises its error.
    """

    def __init__(
        self,
        sinks: Sequence[tuple[SinkSection, Sink]],
        store: OutboxStore,
        *,
        state: Callable[[], DeviceState],
        stop: threading.Event,
        report_every_s: float = REPORT_EVERY_S,
    ) -> None:
        self._sinks = [sink for _, sink in sinks]
        self._drains = [Drain(section, sink, store) for section, sink in sinks]
        self._state = state
        self._crew = Crew(stop)
        self._trouble = RepeatedError(log, "the report of the state")
        self._every_s = report_every_s
        self._bell = threading.Event()
        self._closing = threading.Event()
        self._shown: list[StateSink] = []

    def __enter__(self) -> Self:
        try:
            for sink in self._sinks:
                sink.__enter__()
        except BaseException:
            for sink in self._sinks:
                sink.close()
            raise
        self._shown = [sink for sink in self._sinks if isinstance(sink, StateSink)]
        for drain in self._drains:
            self._crew.start(f"sink {drain.name}", drain.run)
        if self._shown:
            self._crew.start("state", self._report)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ring(self) -> None:
        """Say that an event was stored. Any thread may."""
        for drain in self._drains:
            drain.ring()
        self._bell.set()

    def close(self) -> None:
        """Deliver what can be delivered at once, then close the sinks. May be called twice.

        Raises:  what a thread that failed has raised.
        """
        self._closing.set()
        self._bell.set()
        for drain in self._drains:
            drain.stop()
        try:
            self._crew.join()
        finally:
            for sink in self._sinks:
                sink.close()

    def _report(self) -> None:
        while not self._closing.is_set():
            self._bell.clear()
            try:
                state = self._state()
                for sink in self._shown:
                    sink.report(state)
            except (EdgeclsError, OSError) as error:  # the watch goes on without this report
                self._trouble.failed(error)
            else:
                self._trouble.recovered()
            self._bell.wait(self._every_s)
