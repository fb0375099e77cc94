"""Ten ways in which a door's camera spoils a picture, at five severities, after ImageNet-C.

D. Hendrycks, T. Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations" (ICLR 2019). The noises, blurs, JPEG, brightness, contrast and fog take that paper's
parameters for pictures of 224 pixels (the Gaussian blur is one of its extra corruptions), in code
of our own. Low light and rain are not in it; their parameters are ours and stand below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from edgecls.types import Pixels

SEVERITIES = (1, 2, 3, 4, 5)
SIDE_PX = 224
"""The parameters are meant for pictures whose shorter side has so many pixels."""

Random = np.random.Generator
Real = npt.NDArray[np.float32]
Corruption = Callable[[Pixels, int, Random], Pixels]


def corrupted(name: str, pixels: Pixels, severity: int, random: Random) -> Pixels:
    """Spoil a picture.

    Args:    name: a key of CORRUPTIONS.   pixels: RGB uint8 (H, W, 3), not written to.
             severity: 1 to 5.
    Returns: RGB uint8 of the same shape.
    """
    return CORRUPTIONS[name](pixels, severity - 1, random)


def at_reference_size(pixels: Pixels) -> Pixels:
    """Shrink a picture whose shorter side is above SIDE_PX to that; smaller ones stay."""
    scale = SIDE_PX / min(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _gaussian_noise(pixels: Pixels, level: int, random: Random) -> Pixels:
    spread = (0.08, 0.12, 0.18, 0.26, 0.38)[level]
    return _pixels(
        _real(pixels) + np.float32(spread) * random.standard_normal(pixels.shape, np.float32)
    )


def _shot_noise(pixels: Pixels, level: int, random: Random) -> Pixels:
    photons = (60, 25, 12, 5, 3)[level]
    return _pixels(np.asarray(random.poisson(_real(pixels) * photons) / photons, np.float32))


def _gaussian_blur(pixels: Pixels, level: int, random: Random) -> Pixels:
    del random
    sigma = (1, 2, 3, 4, 6)[level]
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def _motion_blur(pixels: Pixels, level: int, random: Random) -> Pixels:
    """Smear along a line at up to 45 degrees from the horizontal, strongest at its start."""
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[level]
    angle = math.radians(random.uniform(-45, 45))
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), np.float32)
    for step in np.linspace(0, radius, 4 * radius):
        column = round(radius + step * math.cos(angle))
        row = round(radius + step * math.sin(angle))
        weight = math.exp(-(step**2) / (2 * sigma**2))
        kernel[row, column] = max(kernel[row, column], weight)
    return np.asarray(cv2.filter2D(pixels, -1, kernel / kernel.sum()), np.uint8)


def _jpeg(pixels: Pixels, level: int, random: Random) -> Pixels:
    del random
    quality = (25, 18, 15, 10, 7)[level]
    _, data = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1]


def _brightness(pixels: Pixels, level: int, random: Random) -> Pixels:
    del random
    hsv = np.asarray(cv2.cvtColor(_real(pixels), cv2.COLOR_RGB2HSV))
    hsv[:, :, 2] = np.clip(hsv[:, :, 2] + (0.1, 0.2, 0.3, 0.4, 0.5)[level], 0, 1)
    return _pixels(np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)))


def _contrast(pixels: Pixels, level: int, random: Random) -> Pixels:
    del random
    real = _real(pixels)
    mean = real.mean(axis=(0, 1), keepdims=True)
    return _pixels((real - mean) * np.float32((0.4, 0.3, 0.2, 0.1, 0.05)[level]) + mean)


def _fog(pixels: Pixels, level: int, random: Random) -> Pixels:
    amount, decay = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))[level]
    real = _real(pixels)
    brightest = float(real.max())
    fog = np.float32(amount) * _clouds(pixels.shape[:2], decay, random)[:, :, np.newaxis]
    return _pixels((real + fog) * np.float32(brightest / (brightest + amount)))


def _low_light(pixels: Pixels, level: int, random: Random) -> Pixels:
    """Take light away before the sensor: fewer photons, and its own noise stays the same.

    In linear light (gamma 2.2), a white pixel gives 400 photons at full light; the read noise is
    two photons; the camera's gain gives back half of what was lost, in stops.
    """
    light = (0.5, 0.25, 0.12, 0.06, 0.03)[level]
    photons = 400 * light * _real(pixels) ** 2.2
    seen = random.poisson(photons) + random.normal(0, 2, pixels.shape)
    linear = np.clip(seen / (400 * math.sqrt(light)), 0, 1)
    return _pixels((linear ** (1 / 2.2)).astype(np.float32))


def _rain(pixels: Pixels, level: int, random: Random) -> Pixels:
    """Draw slanted bright streaks, and drops on the lens that blur what is behind them."""
    streaks, opacity, drops = (
        (40, 0.35, 0), (80, 0.45, 3), (140, 0.55, 6), (200, 0.65, 10), (300, 0.75, 16),
    )[level]  # fmt: skip
    height, width = pixels.shape[:2]
    layer = np.zeros((height, width), np.float32)
    slant = random.uniform(-0.3, 0.3)
    for _ in range(streaks):
        x, y = random.uniform(-0.1, 1.1) * width, random.uniform(-0.1, 1.0) * height
        length = random.uniform(0.06, 0.14) * height
        end = (round(x + slant * length), round(y + length))
        cv2.line(layer, (round(x), round(y)), end, random.uniform(0.5, 1.0), 1, cv2.LINE_AA)
    wet = np.zeros((height, width), np.float32)
    for _ in range(drops):
        centre = (round(random.uniform(0, width)), round(random.uniform(0, height)))
        cv2.circle(wet, centre, round(random.uniform(0.02, 0.06) * height), 1.0, -1, cv2.LINE_AA)
    real = _real(pixels)
    behind = np.asarray(cv2.GaussianBlur(real, (0, 0), 0.03 * height))
    real = real + (behind + np.float32(0.08) - real) * wet[:, :, np.newaxis]
    veil = np.float32(opacity) * np.asarray(cv2.GaussianBlur(layer, (0, 0), 0.6))[:, :, np.newaxis]
    return _pixels(real * (1 - veil) + np.float32(0.85) * veil)


def _clouds(shape: tuple[int, ...], decay: float, random: Random) -> Real:
    """Return fractal noise from 0 to 1: each octave is twice as fine and `decay` times weaker."""
    height, width = shape
    total, weight, cells = np.zeros((height, width), np.float32), 1.0, 2
    while cells <= max(height, width):
        grid = random.random((cells + 1, cells + 1)).astype(np.float32)
        total += np.float32(weight) * np.asarray(
            cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        )
        weight, cells = weight / decay, cells * 2
    total -= total.min()
    return total / max(float(total.max()), 1e-6)


def _real(pixels: Pixels) -> Real:
    return np.asarray(pixels.astype(np.float32) / np.float32(255), np.float32)


def _pixels(real: Real) -> Pixels:
    return np.asarray(np.rint(np.clip(real, 0, 1) * 255), np.uint8)


CORRUPTIONS: Mapping[str, Corruption] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "gaussian_blur": _gaussian_blur,
    "motion_blur": _motion_blur,
    "jpeg": _jpeg,
    "brightness": _brightness,
    "contrast": _contrast,
    "low_light": _low_light,
    "fog": _fog,
    "rain": _rain,
}
