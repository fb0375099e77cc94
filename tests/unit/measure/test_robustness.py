"""Corruptions, pictures of nothing, and what is counted on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgecls.measure import corruptions, robustness
from edgecls.measure.dataset import load_dataset
from edgecls.measure.fooling import fooling_images
from edgecls.types import Classification, Pixels
from tests.unit.measure.conftest import BundleMaker


def _photo() -> Pixels:
    random = np.random.default_rng(5)
    rows, columns = np.mgrid[0:96, 0:128]
    base = 128 + 60 * np.sin(rows / 9) + 40 * np.cos(columns / 13)
    return np.clip(base[:, :, None] + random.normal(0, 5, (96, 128, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_a_corruption_spoils_more_with_severity_and_repeats_itself(name: str) -> None:
    photo = _photo()
    before = photo.copy()
    spoiled = [
        corruptions.corrupted(name, photo, level, np.random.default_rng(1)) for level in (1, 3, 5)
    ]
    again = corruptions.corrupted(name, photo, 5, np.random.default_rng(1))
    assert (photo == before).all()
    assert (again == spoiled[-1]).all()
    assert all(item.shape == photo.shape and item.dtype == np.uint8 for item in spoiled)
    apart = [_apart(photo, item, fog=name == "fog") for item in spoiled]
    assert 0 < apart[0] < apart[1] < apart[2]


def _apart(photo: Pixels, spoiled: Pixels, *, fog: bool) -> float:
    """Return the mean distance of the pixels; fog also darkens, so there it is lost likeness."""
    if fog:
        return 1 - float(np.corrcoef(photo.ravel(), spoiled.ravel())[0, 1])
    return float(np.abs(spoiled.astype(int) - photo).mean())


def test_large_photographs_are_brought_to_the_reference_size() -> None:
    large = np.zeros((480, 640, 3), np.uint8)
    assert corruptions.at_reference_size(large).shape == (224, 299, 3)
    assert corruptions.at_reference_size(large[:100]).shape == (100, 640, 3)


def test_pictures_of_nothing_are_the_same_every_time() -> None:
    first, second = fooling_images(), fooling_images()
    assert set(first) == {"flat", "gradient", "noise", "stripes", "checker"}
    for kind, pictures in first.items():
        for one, other in zip(pictures, second[kind], strict=True):
            assert one.shape == (224, 224, 3)
            assert (one == other).all()
    stacked = np.stack([picture for pictures in first.values() for picture in pictures])
    assert len(np.unique(stacked.reshape(len(stacked), -1), axis=0)) == len(stacked)


def _by_brightness(threshold: float) -> robustness.Classify:
    def classify(pixels: Pixels) -> Classification:
        bright = float(pixels.mean()) / 255
        label = "bright" if bright >= threshold else "dark"
        return Classification(label, {"dark": 1 - bright, "bright": bright}, 0.0)

    return classify


def test_spoiled_pictures_are_counted_by_severity(make_bundle: BundleMaker, images: Path) -> None:
    manifest = make_bundle(("f", "fake", "float32", 0.0)).manifest
    samples = load_dataset(images, manifest.labels).samples[12:]
    found = robustness.spoiled_figures(
        manifest,
        {"f": _by_brightness(0.5), "never": _by_brightness(2.0)},
        samples,
        reference="f",
    )
    table = {item.corruption: item for item in found}
    assert list(table) == ["clean", *corruptions.CORRUPTIONS]
    bright = table["brightness"]
    shares = [item.value for item in bright.by_severity["f"]]
    # +0.1 of 255 lifts levels from 102 on over the threshold, which truth puts at 120: 102, 108,
    # 114 have the odd levels 105, 111, 117; each further step lifts more
    assert shares[0] == pytest.approx(25 / 28)
    assert shares == sorted(shares, reverse=True)
    assert bright.accuracy["f"].value == pytest.approx(np.mean(shares))
    # "never" is right on the dark ones only, whatever is done to them
    assert {item.accuracy["never"].value for item in found} == {8 / 28}
    clean = table["clean"].against["never"]
    assert clean.value == pytest.approx(8 / 28 - 27 / 28)
    assert clean.low < clean.value < clean.high


def test_fooled_figures_count_the_told_label(make_bundle: BundleMaker) -> None:
    manifest = make_bundle(("f", "fake", "float32", 0.0)).manifest
    found = robustness.fooled_figures(manifest, {"f": _by_brightness(0.7)}, label="bright")
    flat = next(item for item in found if item.kind == "flat")
    # of the ten flat pictures white, 192 and the skin tone are above 0.7
    assert flat.called["f"].value == pytest.approx(3 / 10)
    assert flat.highest["f"] == 1.0
