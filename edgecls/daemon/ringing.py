"""Everything that rings: the configured triggers, each heard by a thread of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from edgecls import plugins
from edgecls.config import Config
from edgecls.daemon.crew import Crew
from edgecls.daemon.doorway import Doorway
from edgecls.daemon.event_recorder import EventRecorder
from edgecls.daemon.presses import Presses
from edgecls.ports import Ringable, Trigger
from edgecls.triggers import TRIGGERS


class Ringing:
    """Load the triggers of a configuration; nothing is opened before `heard`.

    Args:    doorways: one per camera.   events, label, announce: as `Presses` has them.
             told: is given each press's trigger.
    Raises:  MissingDependencyError, ConfigError when a trigger cannot work here.
    """

    def __init__(
        self,
        config: Config,
        doorways: Sequence[Doorway],
        events: EventRecorder,
        *,
        label: str,
        announce: Callable[[str], None],
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        by_camera = {doorway.name: doorway for doorway in doorways}
        self._triggers: list[tuple[str, Trigger]] = [
            (section.name, plugins.load("trigger", TRIGGERS, section.kind)(section))
            for section in config.triggers
        ]
        self._by_http = next(
            (trigger for _, trigger in self._triggers if isinstance(trigger, Ringable)), None
        )
        several = len(doorways) > 1
        self.presses = Presses(
            {
                section.name: by_camera[section.camera or doorways[0].name]
                for section in config.triggers
            },
            events,
            label=label,
            jpeg_quality=config.store.jpeg_quality,
            announce=announce,
            place=(lambda camera: f"{camera}: ") if several else (lambda _: ""),
            told=told,
        )

    @property
    def by_http(self) -> Callable[[str], object] | None:
        """Return what the page calls when it is asked to ring; None without such a trigger."""
        trigger = self._by_http
        return None if trigger is None else lambda _: trigger.ring()

    @contextlib.contextmanager
    def heard(self, stop: threading.Event) -> Iterator[None]:
        """Listen to all triggers between entering and leaving; leaving sets `stop`.

        Raises:  on leaving, what a thread that failed has raised.
        """
        ears = Crew(stop)
        if self._triggers:
            ears.start("presses", lambda: self.presses.run(stop))
        for name, trigger in self._triggers:
            ears.start(f"trigger {name}", partial(self.presses.listen, trigger, stop))
        try:
            yield
        finally:
            stop.set()
            ears.join()
