"""A watch that is renewed: not while somebody is at the door, and without losing count."""

from __future__ import annotations

import threading
from pathlib import Path

from edgecls.config import from_mapping
from edgecls.daemon.capture import CaptureCounters
from edgecls.daemon.desk import CameraDesk
from edgecls.daemon.event_recorder import EventRecorder
from edgecls.daemon.loop import Loop
from edgecls.daemon.recorder import Recorder
from edgecls.daemon.watch import Decider, Seen, Watch
from edgecls.sections.store import StoreSection
from edgecls.store.store import Store
from edgecls.testing.camera import FakeCamera
from edgecls.testing.door import NOON, FakeDoor
from edgecls.testing.judge import FakeJudge
from edgecls.types import Frame

NEAR = (250, 60, 370, 350)


def test_the_next_watch_waits_until_nobody_is_there(tmp_path: Path) -> None:
    door, seconds = FakeDoor(), [1000.0]
    config = from_mapping({"camera": {"kind": "demo"}}, origin="test")
    decider = Decider(FakeJudge(), "person", 0.5, 96)
    somebody: list[bool] = []

    class Door(FakeCamera):
        def read(self, timeout_s: float) -> Frame:
            seconds[0] += 0.25
            return super().read(timeout_s)

    def renew_once_somebody_is_there(seen: Seen | None) -> None:
        somebody.append(loop.watch.somebody)
        if seen is not None and loop.watch is first and loop.watch.somebody:
            loop.renew(lambda: Watch(config, decider))

    first = Watch(config, decider)
    watches: list[Watch] = []
    film = [door.pixels() for _ in range(4)]
    film += [door.pixels(NEAR) for _ in range(12)]
    film += [door.pixels() for _ in range(40)]
    with (
        Store(StoreSection(folder=tmp_path, free_bytes_min=0)) as store,
        Door(film, clock=lambda: seconds[0], now=lambda: NOON) as camera,
    ):
        loop = Loop(
            camera,
            first,
            Recorder(store, jpeg_quality=80, clock=lambda: seconds[0], now=lambda: NOON),
            CameraDesk("door", "demo", counts=CaptureCounters, clock=lambda: 0.0, now=lambda: NOON),
            EventRecorder(store, clock=lambda: seconds[0]),
            label="person",
            announce=lambda _: watches.append(loop.watch),
            stop=threading.Event(),
            signs=renew_once_somebody_is_there,
            clock=lambda: seconds[0],
            now=lambda: NOON,
        )
        loop.run(once=True)
    assert loop.visits == 1
    assert watches == [first, first]  # who arrived was seen leaving by the same watch
    assert loop.watch is not first
    assert loop.watch.counters.frames == len(film)
