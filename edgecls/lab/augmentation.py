"""Change training images as a recipe says: a table of steps, each with its own probability."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgecls.lab import augment, door_effects
from edgecls.lab.augment import Image, Rng
from edgecls.lab.recipe import Augmentation
from edgecls.lab.views import random_window

Floats = npt.NDArray[np.float32]


def flipped(rng: Rng, image: Image) -> Image:
    """Mirror left and right."""
    del rng
    return np.ascontiguousarray(image[:, ::-1])


STEPS: Mapping[str, Callable[[Rng, Image], Image]] = {
    # in the order in which scene, light, lens, sensor and codec act
    "flip": flipped,
    "wide_angle": door_effects.wide_angle,
    "occlusion": door_effects.occlusion,
    "colour": augment.colour,
    "rain": door_effects.rain,
    "blur": augment.blur,
    "sharpen": augment.sharpen,
    "grey": augment.grey,
    "night": augment.night,
    "noise": augment.noise,
    "caption": augment.caption,
    "resample": augment.resample,
    "jpeg": augment.jpeg,
}


def cropped(rng: Rng, image: Image, recipe: Augmentation) -> Image:
    """Cut a random window out of the image, with the recipe's probability; before it is resized."""
    if rng.random() >= recipe.crop:
        return image
    x0, y0, x1, y1 = random_window(rng, area=recipe.crop_area, log_aspect=0.3)
    rows, columns = image.shape[:2]
    left, top = int(x0 * columns), int(y0 * rows)
    right, bottom = max(left + 1, round(x1 * columns)), max(top + 1, round(y1 * rows))
    return image[top:bottom, left:right]


def changed(rng: Rng, image: Image, recipe: Augmentation) -> Image:
    """Apply every step with its probability to an image of the input's size."""
    for name, step in STEPS.items():
        share = float(getattr(recipe, name))
        if share and rng.random() < share:
            image = step(rng, image)
    return image


def mixed(rng: Rng, images: Floats, targets: Floats, recipe: Augmentation) -> tuple[Floats, Floats]:
    """Blend each image of a batch with another one, and the targets in the same proportion.

    Args:    images: float32 (N, H, W, C).   targets: float32 (N, classes), rows that sum to 1.

    Source:  mixup, Zhang et al. 2018; CutMix, Yun et al. 2019. With both on, a coin decides.
    """
    methods = [name for name in ("mixup", "cutmix") if getattr(recipe, name)]
    if not methods or len(images) < 2:
        return images, targets
    method = methods[int(rng.integers(len(methods)))]
    alpha = float(getattr(recipe, method))
    own = np.float32(rng.beta(alpha, alpha))
    partner = rng.permutation(len(images))
    if method == "mixup":
        images = images * own + images[partner] * (1 - own)
    else:
        images, own = _cut_in(rng, images, partner, own)
    return images, targets * own + targets[partner] * (1 - own)


def _cut_in(
    rng: Rng, images: Floats, partner: npt.NDArray[np.int64], own: np.float32
) -> tuple[Floats, np.float32]:
    """Paste the same window of each partner; return the share of the own image that is left."""
    height, width = images.shape[1:3]
    side = np.sqrt(1 - own)
    tall, wide = int(side * height), int(side * width)
    top, left = (int(rng.integers(0, n)) for n in (height - tall + 1, width - wide + 1))
    result = images.copy()
    window = np.s_[:, top : top + tall, left : left + wide]
    result[window] = images[partner][window]
    return result, np.float32(1 - tall * wide / (height * width))
