"""Threads: an error stops all and is raised; a shared judge answers first who asked first."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edgecls.daemon.crew import Crew
from edgecls.daemon.shared_judge import SharedJudge
from edgecls.errors import CameraError
from edgecls.types import Classification, Pixels


def test_all_have_returned_when_it_is_joined() -> None:
    stop, done = threading.Event(), []
    crew = Crew(stop)
    for number in range(3):
        crew.start(f"worker {number}", lambda number=number: done.append(number))
    crew.join()
    assert sorted(done) == [0, 1, 2]
    assert not stop.is_set()


@pytest.mark.parametrize("error", [CameraError("unplugged"), ZeroDivisionError("a bug")])
def test_the_first_error_stops_all_and_is_raised(error: Exception) -> None:
    stop = threading.Event()
    crew = Crew(stop)

    def fail() -> None:
        raise error

    crew.start("one that waits", lambda: stop.wait(30))
    crew.start("one that fails", fail)
    with pytest.raises(type(error)) as caught:
        crew.join()
    assert caught.value is error
    assert stop.is_set()


class SlowJudge:
    """Note who is judged, and that never two are at once."""

    def __init__(self) -> None:
        self.order: list[int] = []
        self.go_on = threading.Semaphore(0)
        self._inside = threading.Lock()

    def classify(self, pixels: Pixels) -> Classification:
        assert self._inside.acquire(blocking=False), "two at once"
        self.go_on.acquire()
        self.order.append(int(pixels[0, 0, 0]))
        self._inside.release()
        return Classification("person", {"person": 1.0}, 1.0)


def picture(number: int) -> Pixels:
    return np.full((2, 2, 3), number, np.uint8)


def test_one_at_a_time_and_first_come_first_served() -> None:
    judge = SlowJudge()
    shared = SharedJudge(judge)
    threads = []
    for number in range(5):
        thread = threading.Thread(target=shared.classify, args=(picture(number),))
        thread.start()
        threads.append(thread)
        while number and len(shared._waiting) < number:
            threading.Event().wait(0.001)
    for _ in threads:
        judge.go_on.release()
    for thread in threads:
        thread.join(10)
    assert judge.order == [0, 1, 2, 3, 4]


def test_a_failure_passes_the_turn_on() -> None:
    class Failing:
        def classify(self, pixels: Pixels) -> Classification:
            raise ValueError("no picture")

    shared = SharedJudge(Failing())
    for _ in range(2):
        with pytest.raises(ValueError, match="no picture"):
            shared.classify(picture(0))
