"""The watch's loop: newest frame in, decisions out, until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from edgecls.bundle.images import encode_jpeg
from edgecls.daemon.desk import CameraDesk
from edgecls.daemon.event_recorder import EventRecorder, Happening
from edgecls.daemon.recorder import Recorder
from edgecls.daemon.watch import Seen, Watch
from edgecls.errors import CameraEndedError, CameraError
from edgecls.ports import Camera
from edgecls.types import Frame
from edgecls.vision.tamper import Told
from edgecls.vision.visits import Change

POLL_S = 1.0
"""Longest wait for a frame before the loop looks whether it shall stop."""
PAUSE_S = 0.25
"""Shortest time between two failed reads, whatever the camera does."""

LOST_S = 30.0
"""A camera that is away for so long is told as lost; a hiccup is not."""

TAMPERED: Mapping[Told, str] = {
    "covered": "the camera is covered: nothing is to be seen",
    "blurred": "the camera is blurred: dirt or spray on the glass, or out of focus",
    "turned": "the camera is turned: it shows another view",
    "frozen": "the camera is frozen: it repeats one picture",
    "over": "the camera sees its usual view again",
}

LOST = "then the picture was lost"
ENDED = "when the watch ended"


class Loop:
    """Run the watch on a camera. Used by one thread.

    Args:    events: takes what is no visit: a camera lost and back.
             label: of the decision, for people.   announce: is given one line per decision.
             place: what each line says first, "" or "name: ".
             stop: ends the loop when set.   clock: monotonic seconds.   now: the wall clock, UTC.
             failing: tells a camera that is away from one that has no new frame yet.
             signs: is told of each frame that went all the way, or that there was none.
    """

    def __init__(
        self,
        camera: Camera,
        watch: Watch,
        recorder: Recorder,
        desk: CameraDesk,
        events: EventRecorder,
        *,
        label: str,
        place: str = "",
        announce: Callable[[str], None],
        stop: threading.Event,
        failing: Callable[[], bool] = lambda: True,
        signs: Callable[[Seen | None], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._camera = camera
        self._watch = watch
        self._next_watch: Callable[[], Watch] | None = None
        self._recorder = recorder
        self._desk = desk
        self._events = events
        self._label = label
        self._place = place
        self._announce = announce
        self._stop = stop
        self._failing = failing
        self._signs = signs
        self._clock = clock
        self._now = now
        self._problem: str | None = None
        self._away_since_s: float | None = None
        self._told_lost = False
        self.visits = 0

    @property
    def watch(self) -> Watch:
        """Return the watch at work."""
        return self._watch

    def renew(self, make: Callable[[], Watch]) -> None:
        """Let another watch go on as soon as nobody is at the door. Any thread may ask."""
        self._next_watch = make

    def run(self, *, once: bool) -> None:
        """Watch until `stop` is set or, when `once`, the camera has delivered its last frame.

        An open visit is ended and stored on every way out. A camera that fails is waited for.

        Raises:  CameraError when `once` and the camera fails.
                 MissingDependencyError, ConfigError when no waiting will make the camera work.
        """
        try:
            while not self._stop.is_set():
                try:
                    self._step(once=once)
                except CameraEndedError as error:
                    if once:
                        break
                    self._stay(str(error))
                self._keep_house()
        finally:
            self._told(self._watch.finish(), ENDED)
            self._recorder.tick()

    def _stay(self, why: str) -> None:
        """Wait to be told to stop: no frame will come any more, but the page and the store stay."""
        self._no_picture(why)
        self._told(self._watch.finish(), ENDED)
        self._keep_house()
        while not self._stop.wait(POLL_S):
            self._keep_house()
            self._signs(None)

    def _keep_house(self) -> None:
        self._recorder.tick()
        self._events.tick()
        self._desk.storage_problem(self._recorder.problem)

    def _step(self, *, once: bool) -> None:
        """Handle the next frame, or its absence."""
        began_s = self._clock()
        try:
            frame = self._camera.read(POLL_S)
        except CameraEndedError:
            raise
        except CameraError as error:
            if self._failing():
                if once:
                    raise
                self._no_picture(str(error))
                self._away()
            self._signs(None)
            self._told(self._watch.without_picture(self._clock()))
            self._stop.wait(max(0.0, PAUSE_S - (self._clock() - began_s)))
            return
        self._desk.arrived(frame)
        if self._next_watch is not None and not self._watch.somebody:
            before, make, self._next_watch = self._watch, self._next_watch, None
            self._watch = make()
            self._watch.go_on_from(before)
        seen = self._watch.see(frame)
        problem = None
        if seen.frozen:
            problem = (
                f"the camera has sent the very same picture for {seen.motion.same_s:.0f} s: "
                "it may be frozen"
            )
        self._back()
        self._picture_again(problem)
        self._desk.show(frame, seen, somebody=self._watch.somebody)
        self._told(seen.change)
        self._tampered(frame, seen.tamper)
        if seen.change is None and self._watch.somebody:
            self._recorder.look(frame)
        self._signs(seen)

    def _tampered(self, frame: Frame, change: Told | None) -> None:
        """Tell what was done to the camera, with what it sees now, or that it is over."""
        if change is not None:
            self._say(TAMPERED[change])
            jpeg = encode_jpeg(frame.pixels, self._recorder.jpeg_quality)
            self._events.add(
                Happening("tampered", self._desk.name, frame.captured_at, jpeg=jpeg, detail=change)
            )

    def _away(self) -> None:
        """Tell once that the camera is lost, when it is away for long."""
        if self._away_since_s is None:
            self._away_since_s = self._clock()
        if not self._told_lost and self._clock() - self._away_since_s >= LOST_S:
            self._told_lost = True
            self._events.add(Happening("camera_lost", self._desk.name, self._now()))

    def _back(self) -> None:
        self._away_since_s = None
        if self._told_lost:
            self._told_lost = False
            self._events.add(Happening("camera_back", self._desk.name, self._now()))

    def _no_picture(self, why: str) -> None:
        if self._problem != why:
            self._say(f"no picture: {why}")
            self._problem = why
        self._desk.camera_problem(why)

    def _picture_again(self, problem: str | None) -> None:
        """A frame came: tell so if there was trouble before; `problem`: it is a frozen one."""
        if problem is not None:
            if self._problem is None:
                self._say(f"no picture: {problem}")
            self._problem = problem
        elif self._problem is not None:
            self._say("the picture is back")
            self._problem = None
        self._desk.camera_problem(problem)

    def _told(self, change: Change | None, why: str = LOST) -> None:
        """Announce a change, then store it. Args: why: what kept us from seeing a visit's end."""
        if change is None:
            return
        sighting = change.sighting
        if change.kind == "arrived":
            self.visits += 1
            line = f"{self._label} arrived ({sighting.peak_score:.2f})"
        else:
            stayed_s = sighting.seen_s - sighting.started_s
            line = f"{self._label} left after {stayed_s:.0f} s"
            if change.interrupted:
                line = f"{self._label} still there after {stayed_s:.0f} s, {why}"
        self._say(line)
        self._recorder.take(change)

    def _say(self, line: str) -> None:
        self._announce(f"{clock_time()} {self._place}{line}")


def clock_time() -> str:
    """Return the time of day here, as lines for people begin with it."""
    return datetime.now().astimezone().strftime("%H:%M:%S")
