"""Everything that rings: the configured triggers, each heard by a thread of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from edgecls import plugins
from edgecls.config import Config
from edgecls.daemon.crew import Crew
from edgecls.daemon.event_recorder import EventRecorder
from edgecls.daemon.presses import Door, Presses
from edgecls.ports import Ringable, Trigger
from edgecls.triggers import TRIGGERS


class Ringing:
    """Load the triggers of a configuration; nothing is opened before `heard`.

    Args:    doors: one per camera.   events, label, announce: as `Presses` has them.
             told: is given each press's trigger.
    Raises:  MissingDependencyError, ConfigError when a trigger cannot work here.
    """

    def __init__(
        self,
        config: Config,
        doors: Sequence[Door],
        events: EventRecorder,
        *,
        label: str,
        announce: Callable[[str], None],
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        by_camera = {door.name: door for door in doors}
        self._triggers: list[tuple[str, Trigger]] = [
            (section.name, plugins.load("trigger", TRIGGERS, section.kind)(section))
            for section in config.triggers
        ]
        self._by_http = next(
            (trigger for _, trigger in self._triggers if isinstance(trigger, Ringable)), None
        )
        several = len(doors) > 1
        self.presses = Presses(
            {
                section.name: by_camera[section.camera or doors[0].name]
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
    def by_http(self) -> Callable[[str], bool] | None:
        """Return what the page calls when it is asked to ring; None without such a trigger.

        It tells whether the press was taken, and so will be an event unless the disk fails: only
        while `heard`.
        """
        trigger = self._by_http
        return None if trigger is None else lambda _: trigger.ring()

    @contextlib.contextmanager
    def heard(self, stop: threading.Event) -> Iterator[None]:
        """Listen to all triggers between entering and leaving; leaving sets `stop`.

        Every press that a trigger has taken is answered when this has been left.

        Raises:  on leaving, what a thread that failed has raised.
        """
        ears, answering, unheard = Crew(stop), Crew(stop), threading.Event()
        if self._triggers:
            answering.start("presses", lambda: self.presses.run(unheard))
        for name, trigger in self._triggers:
            ears.start(f"trigger {name}", partial(self.presses.listen, trigger, stop))
        try:
            yield
        finally:
            stop.set()
            try:
                ears.join()
            finally:  # only now can no press come any more
                unheard.set()
                answering.join()
