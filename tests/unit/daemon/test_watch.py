"""The watch: looks when it should, keeps who stands still, and is not fooled by one frame."""

from __future__ import annotations

from typing import Any

import pytest

from edgecls.config import Config, from_mapping
from edgecls.daemon.watch import Decider, Seen, Watch, bounds_by_light
from edgecls.sections.judging import VisitSection
from edgecls.testing.door import FakeDoor
from edgecls.testing.judge import FakeJudge

NEAR = (250, 60, 370, 350)
FAR = (20, 40, 50, 110)


def configured(**camera: Any) -> Config:
    section = {"kind": "v4l2", "source": "/dev/video0", **camera}
    return from_mapping({"camera": section}, origin="test")


class Scene:
    """A watch in front of a fake door."""

    def __init__(self, config: Config | None = None, *, part_min: float = 0.02) -> None:
        self.judge = FakeJudge(part_min=part_min)
        self.door = FakeDoor()
        self.watch = Watch(config or configured(), Decider(self.judge, "person", 0.5, 96))

    def play(self, seconds: float, person: tuple[int, int, int, int] | None = None) -> list[Seen]:
        return [self.watch.see(self.door.frame(person)) for _ in range(round(seconds * 4))]


def changes(seen: list[Seen]) -> list[str]:
    return [one.change.kind for one in seen if one.change is not None]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_quiet_door_is_judged_now_and_then(scene: Scene) -> None:
    scene.play(35)
    # at the start, and every 10 s
    assert [shape[:2] for shape in scene.judge.shapes] == [(360, 640)] * 4
    assert scene.watch.counters.frames == 140
    assert scene.watch.counters.judged == scene.watch.counters.classifications == 4
    assert scene.watch.counters.moved == 1  # the first frame: nothing to compare it with


def test_a_light_that_goes_on_is_a_reason_to_look(scene: Scene) -> None:
    scene.play(2)
    lit = (scene.door.pixels().astype(int) + 60).clip(0, 255).astype("uint8")
    seen = scene.watch.see(scene.door.frame(pixels=lit))
    assert seen.motion.relit
    assert not seen.motion.moved
    assert seen.latencies_ms


def test_a_visit_begins_soon_and_ends_after_its_time(scene: Scene) -> None:
    scene.play(2)
    here = scene.play(10, NEAR)
    assert changes(here) == ["arrived"]
    arrival = next(index for index, one in enumerate(here) if one.change)
    assert arrival <= 4  # within a second
    gone = scene.play(10)
    assert changes(gone) == ["left"]
    left = next(one.change for one in gone if one.change)
    stayed_s = left.sighting.seen_s - left.sighting.started_s
    assert 9.0 <= stayed_s <= 11.0


def test_who_stands_still_is_still_there(scene: Scene) -> None:
    scene.play(2)
    seen = scene.play(120, NEAR)
    assert changes(seen) == ["arrived"]
    assert not seen[-1].motion.moved
    assert seen[-1].latencies_ms  # still judged


def test_one_wrong_frame_is_no_visit(scene: Scene) -> None:
    scene.play(2)
    assert changes(scene.play(0.25, NEAR) + scene.play(5)) == []


def test_who_is_far_is_found_by_where_it_moved() -> None:
    scene = Scene(part_min=0.05)  # 0.9 % of the frame, but much of a region
    scene.play(2)
    seen = scene.play(60, FAR)
    assert changes(seen) == ["arrived"]
    whole, *regions = sorted({shape[:2] for shape in scene.judge.shapes}, reverse=True)
    assert whole == (360, 640)
    assert regions
    assert all(height == width >= 96 for height, width in regions)
    assert changes(scene.play(10)) == ["left"]


def test_the_best_frame_is_kept(scene: Scene) -> None:
    scene.play(2)
    scene.play(5, NEAR)
    last = scene.watch.finish()
    assert last is not None
    assert last.interrupted
    assert last.sighting.best.pixels[200, 300].min() > 200


def test_a_live_camera_that_repeats_itself_is_frozen() -> None:
    scene = Scene()
    scene.play(2)
    stuck = scene.door.pixels(NEAR)
    seen = [scene.watch.see(scene.door.frame(pixels=stuck)) for _ in range(4 * 100)]
    assert changes(seen) == ["arrived", "left"]
    frozen = [index for index, one in enumerate(seen) if one.frozen]
    assert frozen == list(range(240, 400))  # from 60 s on
    assert not scene.play(0.25)[0].frozen


def test_a_replayed_picture_is_never_frozen() -> None:
    config = from_mapping({"camera": {"kind": "replay", "source": "x"}}, origin="test")
    scene = Scene(config)
    stuck = scene.door.pixels()
    assert not any(scene.watch.see(scene.door.frame(pixels=stuck)).frozen for _ in range(400))


def test_a_lost_camera_ends_the_visit(scene: Scene) -> None:
    scene.play(2)
    scene.play(3, NEAR)
    scene.door.wait(29)
    assert scene.watch.without_picture(scene.door.at_s) is None
    scene.door.wait(2)
    change = scene.watch.without_picture(scene.door.at_s)
    assert change is not None
    assert change.interrupted
    assert not scene.watch.somebody


def test_thresholds_of_the_config_win() -> None:
    config = from_mapping({"camera": {"kind": "demo"}, "visit": {"enter": 0.97}}, origin="test")
    scene = Scene(config)
    assert changes(scene.play(5, NEAR)) == []


LEFT = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
RIGHT = [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]
AT_LEFT = (60, 60, 180, 350)
AT_RIGHT = (420, 60, 540, 350)


def test_who_is_outside_the_zones_is_never_seen_by_the_judge() -> None:
    scene = Scene(configured(zones=[LEFT]))
    scene.play(2)
    assert changes(scene.play(10, AT_RIGHT)) == []
    assert changes(scene.play(10, AT_LEFT)) == ["arrived"]
    assert {shape[:2] for shape in scene.judge.shapes} >= {(360, 320)}  # the zone, not the whole
    assert (360, 640) not in {shape[:2] for shape in scene.judge.shapes}


def test_each_zone_is_looked_at_by_itself() -> None:
    scene = Scene(configured(zones=[LEFT, RIGHT]))
    scene.play(0.25)
    assert [shape[:2] for shape in scene.judge.shapes] == [(360, 320), (360, 320)]
    assert changes(scene.play(10, AT_RIGHT)) == ["arrived"]


def test_the_snapshot_shows_what_is_outside_the_zones() -> None:
    scene = Scene(configured(zones=[LEFT]))
    scene.play(2)
    seen = scene.play(5, AT_LEFT)
    best = next(one.change for one in seen if one.change).sighting.best
    assert best.pixels[:, 320:].min() > 0


def test_a_visit_needs_a_mover_of_the_least_size() -> None:
    small = (300, 200, 380, 290)  # a quarter of the picture's height
    assert changes(Scene().play(2) + Scene().play(5, small)) == ["arrived"]
    scene = Scene(configured(min_size=0.5))
    scene.play(12)  # the first frame is a change of the whole picture: ten seconds must go by
    assert changes(scene.play(20, small)) == []
    assert changes(scene.play(5, NEAR)) == ["arrived"]


def test_the_night_has_thresholds_of_its_own() -> None:
    night = {"night_enter": 0.97}
    config = from_mapping(
        {"camera": {"kind": "v4l2", "source": "/dev/video0"}, "visit": night}, origin="test"
    )
    by_night = Scene(config)  # the fake door has no colour
    seen = by_night.play(5, NEAR)
    assert {one.light for one in seen} == {"night"}
    assert changes(seen) == []
    by_day = Scene(config)
    by_day.door.tint = (0, 20, 60)
    seen = by_day.play(5, NEAR)
    assert {one.light for one in seen} == {"day"}
    assert changes(seen) == ["arrived"]
    assert next(one.change for one in seen if one.change).sighting.light == "day"


@pytest.mark.parametrize(
    ("given", "day", "night"),
    [
        ({}, (0.70, 0.45), (0.70, 0.45)),
        ({"enter": 0.9}, (0.9, 0.45), (0.9, 0.45)),
        ({"enter": 0.3}, (0.3, 0.3), (0.3, 0.3)),
        ({"night_enter": 0.9, "night_leave": 0.8}, (0.70, 0.45), (0.9, 0.8)),
        ({"night_enter": 0.4}, (0.70, 0.45), (0.4, 0.4)),
    ],
)
def test_what_is_left_out_comes_from_the_day_and_the_bundle(
    given: dict[str, float], day: tuple[float, float], night: tuple[float, float]
) -> None:
    bounds = bounds_by_light(VisitSection(**given), 0.5)
    # the defaults are told to two places
    assert (bounds["day"].enter, bounds["day"].leave) == pytest.approx(day, abs=0.005)
    assert (bounds["night"].enter, bounds["night"].leave) == pytest.approx(night, abs=0.005)


def test_a_visit_of_the_quiet_hours_says_so() -> None:
    for hours, quiet in (((), False), (("00:00-00:00",), True)):
        config = from_mapping(
            {"camera": {"kind": "demo"}, "visit": {"quiet_hours": hours}}, origin="test"
        )
        scene = Scene(config)
        seen = scene.play(5, NEAR)
        assert next(one.change for one in seen if one.change).sighting.quiet is quiet


def test_tampering_is_told_once(scene: Scene) -> None:
    scene.play(30)
    hand = scene.door.pixels() // 12
    flat = [scene.watch.see(scene.door.frame(pixels=hand * 0 + 30 + hand % 2)) for _ in range(80)]
    assert [one.tamper for one in flat if one.tamper] == ["covered"]
    told = next(number for number, one in enumerate(flat) if one.tamper)
    assert {one.tampered for one in flat[:told]} == {None}
    assert {one.tampered for one in flat[told:]} == {"covered"}
    seen = scene.play(10)
    assert [one.tamper for one in seen if one.tamper] == ["over"]
    assert (seen[0].tampered, seen[-1].tampered) == ("covered", None)


def test_a_press_is_judged_beside_the_watch() -> None:
    scene = Scene(configured(zones=[LEFT]))
    scene.play(2)
    before = scene.watch.counters.frames
    assert scene.watch.judge_now(scene.door.frame(AT_RIGHT)) == 0.95  # zones are for visits
    assert scene.watch.judge_now(scene.door.frame()) == 0.05
    assert scene.watch.counters.frames == before
    assert not scene.watch.somebody


def test_the_watch_after_a_reload_knows_what_was_told(scene: Scene) -> None:
    scene.play(30)
    hand = scene.door.pixels() // 255 + 30
    covered = [scene.watch.see(scene.door.frame(pixels=hand)) for _ in range(60)]
    assert [one.tamper for one in covered if one.tamper] == ["covered"]
    before = scene.watch
    scene.watch = Watch(configured(), Decider(scene.judge, "person", 0.5, 96))
    scene.watch.go_on_from(before)
    assert scene.watch.counters is before.counters
    assert [one.tamper for one in scene.play(10) if one.tamper] == ["over"]


def test_a_watch_that_shall_not_look_for_tampering_sees_none(scene: Scene) -> None:
    scene.play(30)
    hand = scene.door.pixels() // 255 + 30
    covered = [scene.watch.see(scene.door.frame(pixels=hand)) for _ in range(60)]
    assert covered[-1].tampered == "covered"
    off = from_mapping(
        {"camera": {"kind": "v4l2", "source": "/dev/video0"}, "tamper": {"enabled": False}},
        origin="test",
    )
    before, scene.watch = scene.watch, Watch(off, Decider(scene.judge, "person", 0.5, 96))
    scene.watch.go_on_from(before)
    seen = [scene.watch.see(scene.door.frame(pixels=hand)) for _ in range(30)]
    assert {one.tampered for one in seen} == {None}
    assert [one.tamper for one in seen if one.tamper] == ["over"]
