"""The watchdog is fed by frames alone, and not while a camera's loop hangs."""

from __future__ import annotations

from edgecls.daemon.progress import Progress

PATIENCE_S = 60.0


class House:
    """A clock, a count of feeds, and whether the model can be believed."""

    def __init__(self, *cameras: str) -> None:
        self.seconds = 0.0
        self.fed = 0
        self.sane = True
        self.progress = Progress(
            cameras,
            feed=self._feed,
            patience_s=PATIENCE_S,
            sane=lambda: self.sane,
            clock=lambda: self.seconds,
        )

    def _feed(self) -> None:
        self.fed += 1


def test_a_frame_feeds_and_time_alone_does_not() -> None:
    house = House("door")
    house.progress.frame("door")
    assert house.fed == 1
    for _ in range(100):  # the loop runs, the camera is away
        house.seconds += 1
        house.progress.away("door")
    assert house.fed == 1
    assert house.progress.stuck() == ()
    assert house.progress.ages_s() == {"door": 100.0}


def test_an_unplugged_camera_does_not_stop_the_others() -> None:
    house = House("door", "yard")
    for _ in range(200):
        house.seconds += 1
        house.progress.frame("door")
        house.progress.away("yard")
    assert house.fed == 200
    assert house.progress.ages_s() == {"door": 0.0, "yard": None}


def test_a_loop_that_hangs_starves_the_watchdog_whatever_the_others_do() -> None:
    house = House("door", "yard")
    house.progress.frame("yard")
    for _ in range(200):
        house.seconds += 1
        house.progress.frame("door")
    assert house.progress.stuck() == ("yard",)
    assert house.fed == 1 + PATIENCE_S


def test_frames_judged_by_a_broken_model_do_not_count() -> None:
    house = House("door")
    house.sane = False
    house.progress.frame("door")
    assert house.fed == 0
    assert house.progress.ages_s() == {"door": 0.0}
