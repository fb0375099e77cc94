"""Change how a view looks, never what it shows: light, colour, lens, sensor, compression.

The photographs of one source share a camera, a size and a JPEG quality. Each function here breaks
one such hint. All take and return RGB uint8, shape (H, W, 3), and draw only from the given
generator, so a seed fixes the result.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Rng = np.random.Generator


def _uint8(values: npt.NDArray[np.float32]) -> Image:
    return np.asarray(np.clip(values + 0.5, 0.0, 255.0), np.uint8)


def colour(rng: Rng, image: Image) -> Image:
    """Shift brightness, contrast, gamma, saturation and the colour of the light."""
    ramp = np.arange(256, dtype=np.float32) / 255.0
    ramp = ramp ** float(np.exp(rng.normal(0.0, 0.25)))
    gains = np.exp(rng.normal(0.0, 0.18) + rng.normal(0.0, 0.08, 3))
    contrast, shift = float(np.exp(rng.normal(0.0, 0.15))), rng.normal(0.0, 0.05)
    table = np.stack(
        [((ramp * gain - 0.5) * contrast + 0.5 + shift) * 255.0 for gain in gains], axis=-1
    )
    toned = cv2.LUT(image, _uint8(table.astype(np.float32))[None])
    share = float(np.clip(rng.normal(1.0, 0.35), 0.0, 1.8))
    luma = cv2.cvtColor(cv2.cvtColor(toned, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(toned, share, luma, 1.0 - share, 0.0), dtype=np.uint8)


def grey(rng: Rng, image: Image) -> Image:
    """Drop the colour, as an infra-red camera does; sometimes leave a tint."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)[:, :, None]
    tint = np.exp(rng.normal(0.0, 0.06, 3)) if rng.random() < 0.3 else np.ones(3)
    return _uint8((luma * tint).astype(np.float32))


def night(rng: Rng, image: Image) -> Image:
    """Simulate a dark scene: grey or pale, low gain, lamp vignette, sensor noise."""
    pale = grey(rng, image) if rng.random() < 0.6 else image
    height, width = image.shape[:2]
    centre = rng.uniform(0.25, 0.75, 2)
    y = (np.arange(height, dtype=np.float32) / height - np.float32(centre[0]))[:, None]
    x = (np.arange(width, dtype=np.float32) / width - np.float32(centre[1]))[None, :]
    lamp = np.exp(-(x * x + y * y) / np.float32(rng.uniform(0.2, 1.2)))[:, :, None]
    dark = (pale.astype(np.float32) / 255.0) ** np.float32(rng.uniform(1.0, 1.8)) * lamp
    level = 255.0 * rng.uniform(0.35, 1.0)
    return noise(rng, _uint8((dark * level + rng.uniform(0.0, 18.0)).astype(np.float32)))


def noise(rng: Rng, image: Image) -> Image:
    """Add sensor noise, the same in all channels or different."""
    channels = 1 if rng.random() < 0.4 else 3
    sigma = np.float32(rng.uniform(2.0, 14.0))
    grain = rng.standard_normal((*image.shape[:2], channels), dtype=np.float32) * sigma
    return _uint8(image.astype(np.float32) + grain)


def blur(rng: Rng, image: Image) -> Image:
    """Defocus, or smear sideways as a moving camera or person does."""
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.7)), dtype=np.uint8)
    length = int(rng.integers(2, 6))
    kernel = (
        np.eye(length, dtype=np.float32)
        if rng.random() < 0.5
        else np.ones((1, length), dtype=np.float32)
    )
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.uint8)


def resample(rng: Rng, image: Image) -> Image:
    """Lose detail: shrink and grow again, with different interpolations."""
    height, width = image.shape[:2]
    scale = rng.uniform(0.3, 0.9)
    small = (max(8, int(width * scale * np.exp(rng.normal(0.0, 0.1)))), max(8, int(height * scale)))
    down = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_NEAREST)[int(rng.integers(3))]
    up = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]
    return np.asarray(
        cv2.resize(cv2.resize(image, small, interpolation=down), (width, height), interpolation=up),
        dtype=np.uint8,
    )


def sharpen(rng: Rng, image: Image) -> Image:
    """Over-sharpen, as cheap cameras do."""
    soft = cv2.GaussianBlur(image, (0, 0), 1.2)
    amount = rng.uniform(0.3, 1.2)
    return np.asarray(cv2.addWeighted(image, 1.0 + amount, soft, -amount, 0.0), dtype=np.uint8)


def jpeg(rng: Rng, image: Image) -> Image:
    """Compress and decompress at quality 30 to 95."""
    quality = int(rng.integers(30, 96))
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8) if done else image


def caption(rng: Rng, image: Image) -> Image:
    """Write a clock into a corner, as surveillance cameras do."""
    year, month, day, hour = (
        int(rng.integers(*r)) for r in ((2015, 2030), (1, 13), (1, 29), (0, 24))
    )
    text = f"{year}-{month:02d}-{day:02d} {hour:02d}:00"
    size = image.shape[0]
    place = (int(rng.uniform(0.0, 0.4) * size), int(rng.choice([0.06, 0.97]) * size))
    shade = int(rng.choice([0, 255]))
    return np.asarray(
        cv2.putText(
            image.copy(), text, place, cv2.FONT_HERSHEY_SIMPLEX, size / 600, (shade,) * 3, 1
        ),
        dtype=np.uint8,
    )


STEPS: tuple[tuple[Callable[[Rng, Image], Image], float], ...] = (
    (colour, 0.8),
    (blur, 0.2),
    (sharpen, 0.1),
    (grey, 0.12),
    (night, 0.12),
    (noise, 0.2),
    (caption, 0.05),
    (resample, 0.3),
    (jpeg, 0.7),
)


def augmented(rng: Rng, image: Image) -> Image:
    """Apply each step with its own probability, in the order light, lens, sensor, codec."""
    for step, share in STEPS:
        if rng.random() < share:
            image = step(rng, image)
    return image
