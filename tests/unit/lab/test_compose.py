"""Composed views: balanced, seeded, and honest about where persons are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgecls.lab.compose import Composer
from edgecls.lab.data import Sample

PERSON, GROUND = 250, 10


def _sample(label: str, family: str, boxes: list[list[float]]) -> Sample:
    return Sample(
        path=Path("x.jpg"),
        label=label,
        family=family,
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
    )


@pytest.fixture
def composer() -> Composer:
    """Two sources with a white person on a dark ground, one source that is empty."""
    pixels = np.full((3, 96, 96, 3), GROUND, dtype=np.uint8)
    pixels[:2, 24:80, 36:60] = PERSON
    box = [36 / 96, 24 / 96, 60 / 96, 80 / 96]
    samples = [
        _sample("person", "a", [box]),
        _sample("person", "b", [box]),
        _sample("no_person", "c", []),
    ]
    return Composer(samples, pixels, size_px=64, plain=True)


def test_a_view_is_labelled_person_exactly_when_one_can_be_seen(composer: Composer) -> None:
    labels = []
    for seed in range(400):
        view = composer.view(np.random.default_rng(seed))
        labels.append(view.label)
        assert view.image.shape == (64, 64, 3)
        bright = float((view.image[:, :, 0] > 128).mean())
        assert (bright > 0.002) == bool(view.label), seed
        assert bool(len(view.boxes)) == bool(view.label)
    assert 0.4 < np.mean(labels) < 0.6


def test_boxes_follow_the_person(composer: Composer) -> None:
    for seed in range(200):
        view = composer.view(np.random.default_rng(seed))
        for x0, y0, x1, y1 in view.boxes * 64:
            inside = view.image[int(y0 + y1) // 2, int(x0 + x1) // 2, 0]
            assert inside > 128, seed


def test_the_seed_fixes_the_view(composer: Composer) -> None:
    first, second = (composer.view(np.random.default_rng(7)) for _ in range(2))
    assert first.label == second.label
    assert np.array_equal(first.image, second.image)


def test_a_person_without_boxes_is_never_cut_as_empty() -> None:
    pixels = np.full((2, 96, 96, 3), GROUND, dtype=np.uint8)
    pixels[0] = PERSON
    composer = Composer(
        [_sample("person", "a", []), _sample("no_person", "c", [])], pixels, size_px=64, plain=True
    )
    for seed in range(200):
        view = composer.view(np.random.default_rng(seed))
        assert bool((view.image > 128).any()) == bool(view.label), seed
