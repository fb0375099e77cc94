"""Somebody rings: a picture at once, a judgement, and always an event."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from edgecls._lib.deadline import Deadline
from edgecls.bundle.images import encode_jpeg
from edgecls.daemon.event_recorder import EventRecorder, Happening
from edgecls.daemon.loop import clock_time
from edgecls.errors import EdgeclsError
from edgecls.ports import Trigger
from edgecls.types import Frame, Press

log = logging.getLogger(__name__)

SNAPSHOT_S = 0.3
"""A press has its snapshot within so long: the newest frame if it is that fresh, else the next."""
STALE_S = 5.0
"""Without a fresh frame by then, one not older than this is taken."""
POLL_S = 0.5
WAITING_MAX = 8
"""Presses that wait to be judged, each with its frame; the next ones wait in their triggers."""


class Door(Protocol):
    """What a press needs of the camera at its door."""

    @property
    def name(self) -> str: ...

    def newest_frame(self) -> Frame | None:
        """Return the newest frame of the camera, whatever its age; None before the first."""
        ...

    def judge_press(self, frame: Frame) -> tuple[float, bool]:
        """Return the score of a frame, and whether somebody is there."""
        ...


class Presses:
    """Turn presses into events. Any thread may ring; one thread does the work in `run`.

    Args:    doors: the cameras, by the name of the trigger that belongs to each.
             events: takes them.   label: of the decision, for people.
             place: what lines begin with for a door, "" or "name: ".
             announce: is given one line per press.   told: is given each press's trigger.
             clock: monotonic seconds.
    """

    def __init__(
        self,
        doors: Mapping[str, Door],
        events: EventRecorder,
        *,
        label: str,
        jpeg_quality: int,
        announce: Callable[[str], None],
        place: Callable[[str], str] = lambda _: "",
        told: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._doors = doors
        self._events = events
        self._label = label
        self._jpeg_quality = jpeg_quality
        self._announce = announce
        self._place = place
        self._told = told
        self._clock = clock
        self._pause = pause
        self._waiting: queue.Queue[tuple[Press, Frame | None]] = queue.Queue(WAITING_MAX)
        self._ended = False

    def ring(self, press: Press) -> None:
        """Take a press and its snapshot now; it is judged and stored soon, by `run`.

        Blocks for SNAPSHOT_S at most, and while WAITING_MAX others wait.
        """
        self._told(press.source)
        frame = self._snapshot(self._doors[press.source])
        while not self._ended:
            with contextlib.suppress(queue.Full):
                self._waiting.put((press, frame), timeout=POLL_S)
                break
        else:
            _tell_of_loss(press)
        if self._ended:  # it may have come in after `run` had looked a last time
            self._give_up()

    def listen(self, trigger: Trigger, stop: threading.Event) -> None:
        """Ring at each press of a trigger until `stop` is set. The work of one thread.

        A press that the trigger had taken by then rings still.
        """
        with trigger:
            while not stop.is_set():
                press = trigger.wait(POLL_S)
                if press is not None:
                    self.ring(press)
        while (press := trigger.wait(0.0)) is not None:
            self.ring(press)

    def run(self, stop: threading.Event) -> None:
        """Judge and store presses until `stop` is set and none waits. The work of one thread.

        What the store has not taken by then is tried a last time.

        Args:    stop: to be set when nobody will `ring` any more.
        """
        try:
            while not (stop.is_set() and self._waiting.empty()):
                with contextlib.suppress(queue.Empty):
                    press, frame = self._waiting.get(timeout=POLL_S)
                    self._answer(press, frame)
                self._events.tick()
        finally:
            self._ended = True
            self._give_up()
            self._events.finish()

    def _give_up(self) -> None:
        """Tell of the presses that still wait, each once: there are none unless `run` failed."""
        with contextlib.suppress(queue.Empty):
            while True:
                press, _ = self._waiting.get_nowait()
                _tell_of_loss(press)

    def _snapshot(self, door: Door) -> Frame | None:
        """Return a frame that is SNAPSHOT_S old at most; wait for one if need be, for so long."""
        deadline = Deadline(SNAPSHOT_S, clock=self._clock)
        while True:
            frame = door.newest_frame()
            age_s = None if frame is None else self._clock() - frame.captured_s
            if age_s is not None and age_s <= SNAPSHOT_S:
                return frame
            if deadline.passed:
                return frame if age_s is not None and age_s <= STALE_S else None
            self._pause(min(0.02, deadline.remaining_s))

    def _answer(self, press: Press, frame: Frame | None) -> None:
        """Judge a press, tell people and store it, with a picture or without."""
        door = self._doors[press.source]
        score: float | None = None
        somebody: bool | None = None
        jpeg: bytes | None = None
        if frame is not None:
            try:
                score, somebody = door.judge_press(frame)
            except EdgeclsError as error:  # the model failed: the press counts all the same
                log.error("a press could not be judged: %s", error)  # noqa: TRY400
            jpeg = encode_jpeg(frame.pixels, self._jpeg_quality)
        words = {None: "no picture" if frame is None else "not judged", False: "nobody"}
        who = words.get(somebody, self._label)
        self._announce(f"{clock_time()} {self._place(door.name)}pressed, {who}")
        self._events.add(Happening("pressed", door.name, press.at, score, jpeg, somebody))


def _tell_of_loss(press: Press) -> None:
    log.error("a press of %s is lost: nobody judges any more", press.source)
