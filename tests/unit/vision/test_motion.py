"""The gate: what counts as motion, where it was, and what is only light or a frozen camera."""

from __future__ import annotations

import numpy as np
import pytest

from edgecls.sections.judging import MotionSection
from edgecls.types import Pixels
from edgecls.vision.motion import (
    HEIGHT_MAX_PX,
    WIDTH_PX,
    Motion,
    MotionGate,
    similarity,
    small_grey,
)

HEIGHT, WIDTH = 360, 640


class Door:
    """A door with a pattern on it, seen by a sensor with noise."""

    def __init__(self, *, noise: float = 3.0) -> None:
        self._random = np.random.default_rng(7)
        coarse = self._random.integers(60, 180, (9, 16, 1)).repeat(3, axis=2)
        self._scene = coarse.repeat(40, axis=0).repeat(40, axis=1).astype(np.float64)
        self._noise = noise

    def frame(
        self, *, person: tuple[int, int, int, int] | None = None, gain: float = 1.0, add: float = 0
    ) -> Pixels:
        """Return a picture; `person` is x0, y0, x1, y1 of something dark."""
        scene = self._scene.copy()
        if person is not None:
            x0, y0, x1, y1 = person
            scene[y0:y1, x0:x1] = 20
        noisy = scene * gain + add + self._random.normal(0, self._noise, scene.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)


def settled(gate: MotionGate, door: Door) -> float:
    """Show the empty door for two seconds; return the time after it."""
    for step in range(8):
        gate.look(door.frame(), step / 4)
    return 2.0


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def gate() -> MotionGate:
    return MotionGate(MotionSection())


def test_first_frame_is_worth_a_look(gate: MotionGate, door: Door) -> None:
    assert gate.look(door.frame(), 0.0) == Motion(True, (), 1.0, relit=False, same_s=0.0)


@pytest.mark.parametrize("noise", [0.5, 3.0, 12.0])
def test_noise_is_no_motion(gate: MotionGate, noise: float) -> None:
    door = Door(noise=noise)
    gate.look(door.frame(), 0.0)
    assert not any(gate.look(door.frame(), step / 4).moved for step in range(1, 40))


def test_person_is_found_where_they_are(gate: MotionGate, door: Door) -> None:
    at_s = settled(gate, door)
    motion = gate.look(door.frame(person=(200, 100, 280, 340)), at_s)
    assert motion.moved
    assert len(motion.boxes) == 1
    box = motion.boxes[0]
    # a picture of 160 columns knows places to 4 pixels, and the mask is grown by 2 of its own
    assert 180 <= box.x0 <= 200
    assert 280 <= box.x1 <= 300
    assert 80 <= box.y0 <= 100
    assert 340 <= box.y1 <= 360


def test_boxes_come_largest_first(gate: MotionGate, door: Door) -> None:
    at_s = settled(gate, door)
    pixels = door.frame(person=(500, 100, 620, 340))
    pixels[200:240, 40:80] = 250
    widths = [box.width for box in gate.look(pixels, at_s).boxes]
    assert len(widths) == 2
    assert widths[0] > widths[1]


def test_smaller_than_area_min_is_no_motion(door: Door) -> None:
    gate = MotionGate(MotionSection(area_min=0.02))
    at_s = settled(gate, door)
    assert not gate.look(door.frame(person=(300, 100, 340, 160)), at_s).moved
    assert gate.look(door.frame(person=(300, 100, 400, 250)), at_s + 0.25).moved


@pytest.mark.parametrize(("gain", "add"), [(1.35, 0.0), (0.6, 0.0), (1.0, 45.0), (0.8, -10.0)])
def test_light_is_no_motion(gate: MotionGate, door: Door, gain: float, add: float) -> None:
    at_s = settled(gate, door)
    motion = gate.look(door.frame(gain=gain, add=add), at_s)
    assert motion.relit
    assert not motion.moved
    after = gate.look(door.frame(gain=gain, add=add), at_s + 0.25)
    assert not after.relit
    assert not after.moved


def test_person_who_comes_with_the_light_is_motion(gate: MotionGate, door: Door) -> None:
    at_s = settled(gate, door)
    motion = gate.look(door.frame(gain=1.3, person=(200, 60, 320, 350)), at_s)
    assert motion.relit
    assert motion.moved
    assert 160 <= motion.boxes[0].x0 <= 200


def test_another_scene_is_one_look_without_boxes(gate: MotionGate, door: Door) -> None:
    at_s = settled(gate, door)
    other = np.ascontiguousarray(door.frame()[::-1, ::-1]) // 4 + 150
    cut = gate.look(other.astype(np.uint8), at_s)
    assert cut.moved
    assert cut.similarity < 0.9


def test_changed_resolution_starts_anew(gate: MotionGate, door: Door) -> None:
    settled(gate, door)
    portrait = np.ascontiguousarray(door.frame().transpose(1, 0, 2))
    assert gate.look(portrait, 2.0) == Motion(True, (), 0.0, relit=False, same_s=0.0)
    assert not gate.look(portrait, 2.25).moved


def test_what_stops_becomes_background(gate: MotionGate, door: Door) -> None:
    at_s = settled(gate, door)
    parked = (100, 200, 220, 300)
    assert gate.look(door.frame(person=parked), at_s).moved
    later = [gate.look(door.frame(person=parked), at_s + step / 4) for step in range(1, 121)]
    assert later[0].moved
    assert not later[-1].moved


def test_same_picture_is_counted_in_seconds(gate: MotionGate, door: Door) -> None:
    stuck = door.frame()
    assert [gate.look(stuck, at_s).same_s for at_s in (0.0, 10.0, 61.5)] == [0.0, 10.0, 61.5]
    assert gate.look(door.frame(), 62.0).same_s == 0.0


def test_similarity_is_blind_to_exposure_and_sees_structure() -> None:
    one = np.random.default_rng(1).uniform(0, 255, (90, 160)).astype(np.float32)
    other = np.random.default_rng(2).uniform(0, 255, (90, 160)).astype(np.float32)
    flat = np.full((90, 160), 40, np.float32)
    assert similarity(one, one * 0.5 + 20) == pytest.approx(1.0, abs=1e-5)  # float32 rounding
    assert abs(similarity(one, other)) < 0.05  # independent: 1 / sqrt(14400) is 0.008
    assert similarity(one, 255 - one) == pytest.approx(-1.0, abs=1e-5)
    assert similarity(flat, flat + 9) == 1.0
    assert similarity(flat, one) == 0.0


@pytest.mark.parametrize("shape", [(5000, 1, 3), (1, 5000, 3), (3000, 40, 3)])
def test_a_strip_is_looked_at_in_a_picture_of_bounded_size(shape: tuple[int, int, int]) -> None:
    before, after = np.full(shape, 90, np.uint8), np.full(shape, 90, np.uint8)
    after[: shape[0] // 4 + 1, : shape[1] // 4 + 1] = 240
    small = small_grey(after)
    assert small.shape[1] == WIDTH_PX
    assert 2 <= small.shape[0] <= HEIGHT_MAX_PX
    gate = MotionGate(MotionSection())
    gate.look(before, 0.0)
    motion = gate.look(after, 0.25)
    assert motion.moved
    assert all(box.x1 <= shape[1] and box.y1 <= shape[0] for box in motion.boxes)


LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def test_only_what_moves_in_a_zone_counts(door: Door) -> None:
    gate = MotionGate(MotionSection(), zones=[LEFT])
    at_s = settled(gate, door)
    street = gate.look(door.frame(person=(420, 100, 500, 340)), at_s)
    assert not street.moved
    assert street.boxes == ()
    here = gate.look(door.frame(person=(100, 100, 180, 340)), at_s + 0.25)
    assert here.moved
    assert all(box.x1 <= 340 for box in here.boxes)


def test_who_stands_on_the_border_moves_inside_it_only(door: Door) -> None:
    gate = MotionGate(MotionSection(), zones=[LEFT])
    at_s = settled(gate, door)
    boxes = gate.look(door.frame(person=(280, 100, 400, 340)), at_s).boxes
    assert [box.x1 <= 336 for box in boxes] == [True]  # the zone ends at 320, the mask is grown


def test_a_mask_hides_no_motion_beside_it(door: Door) -> None:
    """Half of the picture is black: what moves in the other half is as much of it as ever."""
    gate = MotionGate(MotionSection(), masks=[LEFT])
    assert gate.hidden is None

    def masked(**changes: object) -> Pixels:
        pixels = door.frame(**changes)  # type: ignore[arg-type]
        pixels[:, :320] = 0
        return pixels

    for step in range(8):
        gate.look(masked(), step / 4)
    assert gate.hidden is not None
    assert gate.hidden[:, :80].all()
    assert not gate.hidden[:, 80:].any()
    relit = gate.look(masked(gain=1.35), 2.0)
    assert relit.relit
    assert not relit.moved
    moved = gate.look(masked(gain=1.35, person=(420, 100, 500, 340)), 2.25)
    assert moved.moved
    assert moved.boxes[0].x0 > 390
