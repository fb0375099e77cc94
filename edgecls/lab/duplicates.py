"""Find near-duplicates: the same picture in another size, compression or light.

A perceptual hash proposes pairs (the signs of 63 low frequencies, Zauner 2010), a small grey
thumbnail confirms them, because pictures with little in them share hashes by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edgecls.types import Pixels

BITS_MAX = 7
"""Hashes that differ in more bits are different pictures."""
BANDS = BITS_MAX + 1
"""Two hashes within BITS_MAX bits agree in at least one of so many bands (pigeonhole)."""
LIKENESS_MIN = 0.94
"""Correlation of the thumbnails from which on two pictures count as one."""
THUMB_PX = 16


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of a picture.

    Args:    bits: uint8, shape (8,), 64 bits.
             thumb: float32, shape (THUMB_PX**2,), mean 0 and length 1; all 0 for a flat picture.
    """

    bits: npt.NDArray[np.uint8]
    thumb: npt.NDArray[np.float32]


def fingerprint(pixels: Pixels) -> Fingerprint:
    """Return the fingerprint of RGB uint8 pixels, shape (H, W, 3)."""
    small = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low = np.asarray(cv2.dct(grey)[:8, :8], dtype=np.float32).flatten()
    bits = low > np.median(low[1:])
    bits[0] = False  # the mean brightness says nothing
    tiny = cv2.resize(grey, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA)
    thumb = np.asarray(tiny, dtype=np.float32).flatten()
    thumb = thumb - thumb.mean()
    length = float(np.linalg.norm(thumb))
    thumb = thumb / length if length > THUMB_PX else np.zeros_like(thumb)  # deviation of 1 level
    return Fingerprint(np.packbits(bits), thumb.astype(np.float32))


def near_pairs(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, int]]:
    """Yield each pair (i, j), i < j, of near-duplicates once.

    Time grows with the number of pictures times those that share a band of the hash by chance.
    """
    if not prints:
        return
    bits = np.stack([p.bits for p in prints])
    thumbs = np.stack([p.thumb for p in prints])
    for band in range(BANDS):
        for bucket in _buckets(bits[:, band]):
            for place, i in enumerate(bucket[:-1]):
                others = bucket[place + 1 :]
                differing = np.unpackbits(bits[others] ^ bits[i], axis=1).sum(axis=1)
                close = others[differing <= BITS_MAX]
                if len(close):
                    yield from _confirmed(int(i), close, bits, thumbs, band)


def _confirmed(
    i: int,
    close: npt.NDArray[np.int64],
    bits: npt.NDArray[np.uint8],
    thumbs: npt.NDArray[np.float32],
    band: int,
) -> Iterator[tuple[int, int]]:
    """Yield the pairs whose thumbnails agree and that no earlier band has found."""
    flat = not thumbs[i].any()
    likeness = thumbs[close] @ thumbs[i]
    for j, like in zip(close, likeness, strict=True):
        same = flat and not thumbs[j].any()
        earlier = bool((bits[i, :band] == bits[j, :band]).any())
        if not earlier and (same or like >= LIKENESS_MIN):
            yield i, int(j)


def _buckets(words: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the indices, rising, of pictures that share a band."""
    order = np.argsort(words, kind="stable")
    edges = np.flatnonzero(np.diff(words[order])) + 1
    for bucket in np.split(order, edges):
        if len(bucket) > 1:
            yield bucket


def clusters_of(prints: Sequence[Fingerprint]) -> list[list[int]]:
    """Return the sets of pictures joined by near-duplicate pairs, each of two and more."""
    parent = list(range(len(prints)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in near_pairs(prints):
        parent[root(j)] = root(i)
    members: dict[int, list[int]] = defaultdict(list)
    for i in range(len(prints)):
        members[root(i)].append(i)
    return [group for group in members.values() if len(group) > 1]
