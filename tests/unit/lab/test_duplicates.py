"""Near-duplicates: copies are found, strangers are not, and no pair is missed by the index."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edgecls.lab.duplicates import BITS_MAX, Fingerprint, clusters_of, fingerprint, near_pairs

Pixels = npt.NDArray[np.uint8]


def _scene(seed: int) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (200, 150), interpolation=cv2.INTER_CUBIC), np.uint8)


def _jpeg(pixels: Pixels) -> Pixels:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 30])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


COPIES = {
    "smaller": lambda p: cv2.resize(p, (64, 64), interpolation=cv2.INTER_AREA),
    "recompressed": _jpeg,
    "brighter": lambda p: cv2.convertScaleAbs(p, alpha=0.8, beta=40),
    "blurred": lambda p: cv2.GaussianBlur(p, (0, 0), 2),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_changed_copy_is_found(change) -> None:  # type: ignore[no-untyped-def]
    for seed in range(10):
        scene = _scene(seed)
        assert list(near_pairs([fingerprint(scene), fingerprint(change(scene))])) == [(0, 1)]


def test_strangers_are_not_paired() -> None:
    assert list(near_pairs([fingerprint(_scene(seed)) for seed in range(150)])) == []


def test_flat_pictures_are_alike_only_among_themselves() -> None:
    flat = [fingerprint(np.full((50, 50, 3), level, np.uint8)) for level in (20, 200)]
    assert list(near_pairs([*flat, fingerprint(_scene(1))])) == [(0, 1)]


def test_the_index_finds_what_comparing_all_pairs_finds() -> None:
    rng = np.random.default_rng(5)
    thumb = rng.standard_normal(256).astype(np.float32)
    thumb /= np.linalg.norm(thumb)
    base = rng.integers(0, 2, 64, dtype=np.uint8)
    prints = []
    for _ in range(60):  # strings of bits around one another, up to 14 flips apart
        bits = base.copy()
        bits[rng.choice(64, int(rng.integers(0, 8)), replace=False)] ^= 1
        prints.append(Fingerprint(np.packbits(bits), thumb))
    expected = {
        (i, j)
        for i, j in combinations(range(60), 2)
        if np.unpackbits(prints[i].bits ^ prints[j].bits).sum() <= BITS_MAX
    }
    found = list(near_pairs(prints))
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert 0 < len(expected) < 60 * 59 / 2


def test_pairs_join_into_clusters() -> None:
    a, b = _scene(1), _scene(2)
    pictures = [a, b, _jpeg(a), _scene(3), COPIES["blurred"](a), _jpeg(b)]
    assert clusters_of([fingerprint(p) for p in pictures]) == [[0, 2, 4], [1, 5]]
    assert clusters_of([]) == []
