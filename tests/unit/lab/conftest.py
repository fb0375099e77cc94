"""Folders of small pictures for the training tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

MakeFolder = Callable[..., Path]


def picture(seed: int, *, size_px: int = 24, level: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    """Return smooth random RGB uint8 pixels: no two seeds look alike, unlike plain noise."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    grown = cv2.resize(coarse, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
    return np.clip(grown.astype(np.int16) // 2 + level, 0, 255).astype(np.uint8)


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Return a maker of DIR/class/NN.png (or DIR/split/class/NN.png).

    The classes differ in brightness, so that the tiniest network can tell them apart.
    """

    def make(
        name: str = "images", *, classes: tuple[str, ...] = ("dark", "light"), count: int = 12,
        splits: tuple[str, ...] = (), size_px: int = 24,
    ) -> Path:  # fmt: skip
        root = tmp_path / name
        seed = 0
        for split in splits or ("",):
            for index, label in enumerate(classes):
                folder = root / split / label
                folder.mkdir(parents=True)
                for number in range(count):
                    seed += 1
                    level = index * 127 // max(1, len(classes) - 1)
                    pixels = picture(seed, size_px=size_px, level=level)
                    cv2.imwrite(str(folder / f"{number:02d}.png"), pixels)
        return root

    return make
