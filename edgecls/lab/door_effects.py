"""What happens in front of a door camera's lens: a wide angle, rain, something in the way.

As `augment`: all take and return RGB uint8, shape (H, W, 3), and draw from the given generator.
"""

from __future__ import annotations

import cv2
import numpy as np

from edgecls.lab.augment import Image, Rng


def wide_angle(rng: Rng, image: Image) -> Image:
    """Bend the picture as a wide lens does (barrel distortion), about a centre near the middle.

    The border is stretched over what the lens would not have seen: no black rim tells of it.
    """
    height, width = image.shape[:2]
    bend = np.float32(rng.uniform(0.3, 1.5))
    centre = rng.uniform(0.4, 0.6, 2).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x = x / np.float32(width) - centre[0]
    y = y / np.float32(height) - centre[1]
    pull = (1 + bend * (x * x + y * y)) / (1 + bend * np.float32(0.25))
    return np.asarray(
        cv2.remap(
            image,
            (x * pull + centre[0]) * np.float32(width),
            (y * pull + centre[1]) * np.float32(height),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        dtype=np.uint8,
    )


def rain(rng: Rng, image: Image) -> Image:
    """Draw bright slanted streaks, as drops in a lamp's light, over a slightly paler picture."""
    height, width = image.shape[:2]
    streaks = np.zeros((height, width), dtype=np.uint8)
    slant = rng.uniform(-0.35, 0.35)
    for _ in range(int(rng.uniform(0.0006, 0.004) * height * width)):
        length = rng.uniform(0.02, 0.09) * height
        x, y = rng.uniform(0, width), rng.uniform(-0.05, 1) * height
        end = (int(x + slant * length), int(y + length))
        cv2.line(streaks, (int(x), int(y)), end, int(rng.uniform(60, 200)), 1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(streaks, (0, 0), 0.6).astype(np.float32)[:, :, None]
    haze = np.float32(rng.uniform(0.0, 0.15))
    pale = image.astype(np.float32) * (1 - haze) + 160 * haze
    wet = pale + soft * np.float32(rng.uniform(0.3, 0.8))
    return np.asarray(np.clip(wet, 0, 255), np.uint8)


def occlusion(rng: Rng, image: Image) -> Image:
    """Hide a part behind a post, a parcel or a blot on the lens: flat, blurred or noisy."""
    height, width = image.shape[:2]
    if rng.random() < 0.4:  # a post from top to bottom
        wide = int(rng.uniform(0.04, 0.2) * width)
        x0, y0, x1, y1 = int(rng.uniform(0, width - wide)), 0, 0, height
        x1 = x0 + wide
    else:
        wide, tall = (int(rng.uniform(0.1, 0.4) * side) for side in (width, height))
        x0, y0 = int(rng.uniform(0, width - wide)), int(rng.uniform(0, height - tall))
        x1, y1 = x0 + wide, y0 + tall
    covered: Image = image.copy()
    part = covered[y0:y1, x0:x1]
    if not part.size:
        return image
    kind = rng.random()
    if kind < 0.5:
        part[:] = rng.integers(0, 256, 3)
    elif kind < 0.8:
        part[:] = cv2.GaussianBlur(part, (0, 0), max(2.0, 0.05 * width))
    else:
        part[:] = rng.integers(0, 256, part.shape)
    return covered
