"""Day and night: told by colour, through JPEG, noise and casts, and with patience."""

from __future__ import annotations

import numpy as np
import pytest

from edgecls.bundle.images import decode_jpeg, encode_jpeg
from edgecls.types import Pixels
from edgecls.vision.light import DAY_AFTER_S, NIGHT_AFTER_S, LightMeter, colour, light_of

data = pytest.importorskip("skimage.data")
PHOTOGRAPHS = ["astronaut", "chelsea", "coffee", "rocket"]


def photograph(name: str) -> Pixels:
    return np.asarray(getattr(data, name)(), dtype=np.uint8)


def infra_red(
    pixels: Pixels,
    *,
    noise: float = 0.0,
    cast: tuple[float, ...] = (1, 1, 1),
    quality: int = 50,
) -> Pixels:
    """Return the picture as an infra-red camera sends it: grey, with sensor noise, as JPEG."""
    grey = pixels.mean(axis=2, keepdims=True).repeat(3, axis=2)
    noisy = grey + np.random.default_rng(3).normal(0, noise, grey.shape)
    toned = np.clip(noisy * np.array(cast), 0, 255).astype(np.uint8)
    return decode_jpeg(encode_jpeg(toned, quality))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_is_day(name: str) -> None:
    assert light_of(photograph(name)) == "day"


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("noise", [0.0, 12.0])
def test_the_same_without_colour_is_night(name: str, noise: float) -> None:
    assert light_of(infra_red(photograph(name), noise=noise)) == "night"


def test_the_pink_of_an_infra_red_lamp_is_no_colour() -> None:
    pink = infra_red(photograph("coffee"), cast=(1.05, 0.9, 1.05), quality=75)
    assert np.ptp(pink.mean(axis=(0, 1))) > 5
    assert light_of(pink) == "night"


def test_a_dim_picture_has_its_colour_still() -> None:
    assert light_of((photograph("chelsea") // 4).astype(np.uint8)) == "day"


def test_one_coloured_lamp_does_not_make_a_day() -> None:
    pixels = infra_red(photograph("rocket"))
    pixels[40:70, 60:90] = (255, 40, 0)
    assert light_of(pixels) == "night"


def test_a_black_picture_is_judged() -> None:
    assert colour(np.zeros((90, 160, 3), np.uint8)) == 0


def seconds_until(meter: LightMeter, pixels: Pixels, begin_s: float, wanted: str) -> float | None:
    for step in range(400):
        if meter.look(pixels, begin_s + step / 4) == wanted:
            return step / 4
    return None


def test_the_light_changes_after_clear_evidence_only() -> None:
    day, night = photograph("coffee"), infra_red(photograph("coffee"))
    meter = LightMeter()
    assert meter.look(day, 0.0) == "day"
    to_night = seconds_until(meter, night, 10.0, "night")
    assert to_night is not None
    assert NIGHT_AFTER_S <= to_night <= NIGHT_AFTER_S + 1
    to_day = seconds_until(meter, day, 200.0, "day")
    assert to_day is not None
    assert DAY_AFTER_S <= to_day <= DAY_AFTER_S + 1


def test_a_grey_scene_into_which_colour_comes_stays_day() -> None:
    day, grey = photograph("coffee"), infra_red(photograph("coffee"))
    meter = LightMeter()
    meter.look(day, 0.0)
    seen = [meter.look(day if step % 40 == 0 else grey, step / 4) for step in range(400)]
    assert set(seen) == {"day"}  # somebody with a red coat every ten seconds


def test_what_is_in_between_changes_nothing() -> None:
    """A pale picture is day to a day meter and night to a night meter."""
    photo = photograph("coffee")
    pale = np.clip(photo * 0.05 + photo.mean(axis=2, keepdims=True) * 0.95, 0, 255).astype(np.uint8)
    assert 2.0 < colour(pale) < 3.0
    for first in (photo, infra_red(photo)):
        meter = LightMeter()
        before = meter.look(first, 0.0)
        assert {meter.look(pale, 1.0 + step / 4) for step in range(200)} == {before}
