"""Pictures changed, or made from nothing, so that a net is wrong about them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Slope = Callable[[Floats, Labels], Floats]
"""As `PixelGradients.slope`: pixels (N, H, W, C) and labels (N,) -> d loss / d pixel."""

ASCENT_STEPS = 40
ASCENT_STEP = 2.0
"""Grey levels that a pixel moves in one step, root mean square."""
NOISE = 32.0


def fgsm(pixels: Bytes, slope: Floats, epsilon: int) -> Bytes:
    """Move every pixel by `epsilon` grey levels in the direction that raises the loss.

    Whole grey levels, so that the result can be kept as a PNG and is what a camera could deliver.

    Source:  Goodfellow, Shlens, Szegedy, Explaining and Harnessing Adversarial Examples (2015).
    """
    moved = pixels.astype(np.int16) + epsilon * np.sign(slope).astype(np.int16)
    return np.asarray(np.clip(moved, 0, 255), np.uint8)


def shaken(pixels: Bytes, epsilon: int, random: np.random.Generator) -> Bytes:
    """Move every pixel by `epsilon` up or down by chance: what is not the gradient's doing."""
    signs = random.choice(np.array([-1, 1], np.int16), pixels.shape)
    return np.asarray(np.clip(pixels.astype(np.int16) + epsilon * signs, 0, 255), np.uint8)


def starts(count: int, shape: tuple[int, ...], random: np.random.Generator) -> Floats:
    """Return grey pictures with some noise, from dark to bright, shape (count, *shape)."""
    levels = np.linspace(48, 208, count).reshape(-1, *(1 for _ in shape))
    noise = random.normal(0, NOISE, (count, *shape))
    return np.clip(levels + noise, 0, 255).astype(np.float32)


def ascended(begin: Floats, slope: Slope, label: int, *, steps: int = ASCENT_STEPS) -> Bytes:
    """Change pictures of nothing, step by step, until a net is sure that they show `label`.

    Source:  Simonyan, Vedaldi, Zisserman, Deep Inside Convolutional Networks (2014), section 2;
             Nguyen, Yosinski, Clune, Deep Neural Networks are Easily Fooled (2015), section 3.3.

    Args:    begin: 0 to 255, shape (N, H, W, C).
    """
    pixels, labels = begin.copy(), np.full(len(begin), label, np.int64)
    for _ in range(steps):
        down = slope(pixels, labels)
        size = np.sqrt(np.square(down).mean(axis=(1, 2, 3), keepdims=True))
        pixels = np.clip(pixels - ASCENT_STEP * down / np.maximum(size, 1e-20), 0, 255)
    return np.asarray(np.rint(pixels), np.uint8)
