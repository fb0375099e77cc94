"""Single events on a disk that is full for a while: kept in order, bounded, and the loss told."""

from __future__ import annotations

from datetime import datetime

import pytest

from edgecls.daemon.event_recorder import RETRY_S, UNSAVED_MAX, EventRecorder, Happening
from edgecls.errors import StoreError
from edgecls.testing.door import NOON


class Disk:
    """Take events, unless it is full."""

    def __init__(self) -> None:
        self.full = False
        self.attempts = 0
        self.kept: list[tuple[str, str | None]] = []

    def add_event(
        self,
        kind: str,
        *,
        camera: str,
        at: datetime,
        score: float | None = None,
        jpeg: bytes | None = None,
        somebody: bool | None = None,
        detail: str | None = None,
    ) -> None:
        self.attempts += 1
        if self.full:
            raise StoreError("cannot write: No space left on device")
        self.kept.append((kind, detail))


class Desk:
    """A recorder, its disk, and a clock that a test turns."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.seconds = 0.0
        self.recorder = EventRecorder(self.disk, clock=lambda: self.seconds)

    def add(self, detail: str) -> None:
        self.recorder.add(Happening("tampered", "door", NOON, detail=detail))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_what_the_disk_refused_is_stored_later_in_order(desk: Desk) -> None:
    desk.disk.full = True
    desk.add("covered")
    desk.add("over")
    assert desk.recorder.not_stored == 2
    attempts = desk.disk.attempts
    desk.seconds = RETRY_S / 2
    desk.recorder.tick()
    assert desk.disk.attempts == attempts  # it waits its turn
    desk.disk.full = False
    desk.seconds = RETRY_S
    desk.recorder.tick()
    assert desk.disk.kept == [("tampered", "covered"), ("tampered", "over")]
    assert desk.recorder.not_stored == 0


def test_at_the_end_it_does_not_wait_its_turn(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.disk.full = True
    desk.add("covered")
    desk.disk.full = False
    desk.recorder.finish()
    assert desk.disk.kept == [("tampered", "covered")]
    assert "lost" not in caplog.text
    desk.disk.full = True
    desk.add("over")
    desk.recorder.finish()
    assert desk.recorder.not_stored == 1
    assert "1 events are lost" in caplog.text


def test_memory_is_bounded_and_the_loss_is_told(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.disk.full = True
    for number in range(UNSAVED_MAX + 2):
        desk.add(str(number))
    assert desk.recorder.lost == 2
    assert "is lost" in caplog.text
    desk.disk.full = False
    desk.add("last")
    details = [detail for _, detail in desk.disk.kept]
    assert details == [str(number) for number in range(3, UNSAVED_MAX + 2)] + ["last"]
    assert desk.recorder.not_stored == 3  # the ones that are lost, for good
