"""Tampering with real photographs as the view: told once, over once, and not for the weather."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edgecls.sections.judging import TamperSection
from edgecls.vision.light import Light
from edgecls.vision.tamper import ADOPT_S, TamperWatch

data = pytest.importorskip("skimage.data")
SMALL = (160, 90)
Floats = npt.NDArray[np.float32]
Picture = Callable[[float], Floats]
"""What the small grey picture shows so many seconds after the scene's begin."""


@functools.cache
def photograph(name: str) -> Floats:
    """Return a photograph as the motion gate's small grey picture, before rounding."""
    pixels = np.asarray(getattr(data, name)())
    grey = pixels if pixels.ndim == 2 else pixels[:, :, :3].mean(axis=2)
    return np.asarray(cv2.resize(grey.astype(np.float32), SMALL, interpolation=cv2.INTER_AREA))


class Camera:
    """A camera whose view is a photograph, watched for tampering.

    The noise is that of a sensor after averaging down to a sixteenth of the pixels.
    """

    def __init__(self, view: str = "coffee", **section: Any) -> None:
        self.view = photograph(view)
        self.watch = TamperWatch(TamperSection(**section))
        self._noise = np.random.default_rng(5).normal(0, 0.8, (8, SMALL[1], SMALL[0]))
        self._at_s = 0.0
        self.show(30)

    def show(
        self,
        seconds: float,
        picture: Picture | None = None,
        *,
        every_s: float = 1.0,
        light: Light = "day",
        frozen: bool = False,
        somebody: bool = False,
        hidden: npt.NDArray[np.bool_] | None = None,
    ) -> list[str]:
        """Show `picture`, else the usual view; return what was told."""
        told = []
        for step in range(round(seconds / every_s)):
            shown = self.view if picture is None else picture(step * every_s)
            grey = np.clip(shown + self._noise[step % 8], 0, 255).astype(np.uint8)
            if hidden is not None:
                grey[hidden] = 0
            change = self.watch.look(
                grey, self._at_s, light=light, frozen=frozen, somebody=somebody, hidden=hidden
            )
            self._at_s += every_s
            told += [change] if change is not None else []
        return told


def still(picture: Floats) -> Picture:
    return lambda _: picture


HAND = np.tile(np.linspace(15, 60, SMALL[0], dtype=np.float32), (SMALL[1], 1))
VIEWS = ["coffee", "rocket", "camera", "astronaut"]


@pytest.mark.parametrize("view", VIEWS)
def test_covered_is_told_once_and_over_once(view: str) -> None:
    camera = Camera(view)
    assert camera.show(9, still(HAND)) == []
    assert camera.show(30, still(HAND)) == ["covered"]
    assert camera.watch.state == "covered"
    assert camera.show(20) == ["over"]
    assert camera.show(60) == []


@pytest.mark.parametrize("level", [0.0, 230.0])
def test_tape_of_any_colour_is_a_cover(level: float) -> None:
    camera = Camera()
    assert camera.show(30, still(np.full_like(camera.view, level))) == ["covered"]


@pytest.mark.parametrize("view", VIEWS)
def test_blurred(view: str) -> None:
    camera = Camera(view)
    smeared = cv2.GaussianBlur(camera.view, (0, 0), 2.5)
    assert camera.show(25, still(smeared)) == []
    assert camera.show(60, still(smeared)) == ["blurred"]
    assert camera.show(20) == ["over"]


@pytest.mark.parametrize("view", VIEWS)
def test_turned_to_another_scene(view: str) -> None:
    camera = Camera(view)
    elsewhere = photograph("chelsea")
    assert camera.show(55, still(elsewhere)) == []
    assert camera.show(60, still(elsewhere)) == ["turned"]
    assert camera.show(20) == ["over"]


def test_turned_by_a_third_of_the_view() -> None:
    camera = Camera("rocket")
    aside = np.roll(camera.view, SMALL[0] // 3, axis=1)
    assert camera.show(90, still(aside)) == ["turned"]


def test_a_turned_camera_is_taken_for_granted_in_the_end() -> None:
    camera = Camera()
    elsewhere = photograph("chelsea")
    assert camera.show(90, still(elsewhere)) == ["turned"]
    assert camera.show(ADOPT_S, still(elsewhere), every_s=20) == ["over"]
    assert camera.show(60, still(elsewhere)) == []


def test_covered_and_then_turned() -> None:
    camera = Camera()
    assert camera.show(30, still(HAND)) == ["covered"]
    assert camera.show(90, still(photograph("chelsea"))) == ["turned"]


def test_frozen_is_told_as_the_gate_says() -> None:
    camera = Camera()
    assert camera.show(5, frozen=True) == ["frozen"]
    assert camera.show(5) == ["over"]


def test_a_cover_so_black_that_it_repeats_itself_stays_a_cover() -> None:
    camera = Camera()
    assert camera.show(30, still(np.zeros_like(camera.view))) == ["covered"]
    assert camera.show(30, still(np.zeros_like(camera.view)), frozen=True) == []
    assert camera.show(20) == ["over"]


def test_nothing_is_told_when_it_is_off() -> None:
    camera = Camera(enabled=False)
    assert camera.show(60, still(HAND), frozen=True) == []


class TestWhatTheHouseDoesByItself:
    @pytest.mark.parametrize("view", VIEWS[:2])
    def test_nightfall(self, view: str) -> None:
        """To a hundredth of the light in half an hour; then the sensor's noise is all there is."""
        camera = Camera(view)
        falling = [camera.view * 10 ** (-minute / 15) for minute in range(31)]
        told = []
        for dim in falling:
            told += camera.show(60, still(dim), every_s=6)
        assert told == []
        assert camera.show(300, still(falling[-1]), every_s=6) == []
        told = []
        for dim in reversed(falling):
            told += camera.show(60, still(dim), every_s=6)
        assert told == []

    @pytest.mark.parametrize("view", VIEWS[1:3])
    def test_a_lamp_goes_off_and_on(self, view: str) -> None:
        camera = Camera(view)
        side = np.linspace(0.25, 1.5, SMALL[0], dtype=np.float32)
        for lit in (camera.view * 0.2, camera.view * 1.5 + 20, camera.view * side):
            assert camera.show(80, still(lit), every_s=1) == []
            assert camera.show(80, every_s=1) == []

    def test_infra_red_is_another_usual_view(self) -> None:
        """Only what is near is lit, and much of it has other grey values."""
        camera = Camera("astronaut")
        y, x = np.mgrid[-1 : 1 : SMALL[1] * 1j, -1 : 1 : SMALL[0] * 1j]
        night = (255 - camera.view) * np.exp(-2 * (x * x + y * y)).astype(np.float32)
        assert camera.show(15, still(night)) == []
        assert camera.show(120, still(night), every_s=1, light="night") == []
        assert camera.show(30, still(HAND), light="night") == ["covered"]
        assert camera.show(20, still(night), light="night") == ["over"]
        assert camera.show(120) == []  # the meter needs some seconds
        assert camera.show(120, light="day") == []
        assert camera.show(30, still(HAND)) == ["covered"]

    @pytest.mark.parametrize("view", VIEWS[:2])
    def test_rain_and_drops_on_the_glass(self, view: str) -> None:
        camera = Camera(view)
        random = np.random.default_rng(9)
        drops = np.zeros(SMALL[::-1], np.uint8)
        for x, y, r in random.integers((0, 0, 2), (160, 90, 7), (30, 3)):
            cv2.circle(drops, (int(x), int(y)), int(r), 1, -1)
        wet = np.where(drops > 0, cv2.GaussianBlur(camera.view, (0, 0), 3), camera.view)

        def rain(_: float) -> Floats:
            streaks = np.zeros(SMALL[::-1], np.uint8)
            for x, y in random.integers((0, 0), (160, 82), (120, 2)):
                cv2.line(streaks, (int(x), int(y)), (int(x) + 1, int(y) + 7), 1)
            return np.where(streaks > 0, wet * 0.7 + 60, wet).astype(np.float32)

        assert camera.show(90, rain, every_s=1) == []

    @pytest.mark.parametrize("somebody", [False, True])
    def test_a_person_close_by(self, somebody: bool) -> None:
        """The face and the suit of a photograph cover nine tenths of the view, and sway."""
        camera = Camera("rocket")
        face = np.asarray(data.astronaut())[:400, 60:420].mean(axis=2).astype(np.float32)

        def close(at_s: float) -> Floats:
            shown, step = camera.view.copy(), int(at_s * 7)
            person = cv2.resize(face, (140 + step % 5, 100 + step % 6))
            left, up = 5 + (step * 3) % 10, (step * 2) % 9
            part = person[up : up + 90, : SMALL[0] - left]
            shown[: part.shape[0], left : left + part.shape[1]] = part
            return shown

        assert camera.show(200, close, every_s=1, somebody=somebody) == []
        assert camera.show(30) == []

    def test_somebody_at_the_door_gives_a_cover_more_time(self) -> None:
        camera = Camera()
        assert camera.show(55, still(HAND), somebody=True) == []
        assert camera.show(10, still(HAND), somebody=True) == ["covered"]

    def test_a_low_sun_dazzles(self) -> None:
        camera = Camera()
        assert camera.show(100, still(camera.view * 0.2 + 245)) == []

    def test_a_flat_view_has_nothing_to_miss(self) -> None:
        camera = Camera()
        camera.view = HAND
        camera.watch = TamperWatch(TamperSection())
        assert camera.show(60) == []
        assert camera.show(60, still(np.zeros_like(HAND))) == []

    def test_a_mask_is_no_part_of_the_view(self) -> None:
        """Its outline stays when the lens is covered; that must not look like the usual view."""
        hidden = np.zeros(SMALL[::-1], np.bool_)
        hidden[:, :70] = True
        camera = Camera()
        camera.watch = TamperWatch(TamperSection())
        assert camera.show(30, hidden=hidden) == []
        assert camera.show(30, still(HAND), hidden=hidden) == ["covered"]
