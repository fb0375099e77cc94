"""Choose the input rule of a run; compute from the training images what the rule needs.

Scale, mean and standard deviation per channel go into the bundle's input rule, which device and
workstation share. A mean image or a whitening is a value per pixel: it becomes the first layers of
the network, built from plain Keras layers, so every runtime does it without knowing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import normalised, resized
from edgecls.errors import ConfigError, ImageError
from edgecls.lab.data import DataError
from edgecls.lab.dataset import Photos
from edgecls.lab.recipe import Input

Doubles = npt.NDArray[np.float64]

SCALES = {"minus_one_one": (127.5, 127.5), "unit": (0.0, 255.0), "bytes": (0.0, 1.0)}
IMAGES_MAX = 10_000
"""Statistics are taken from at most so many training images, evenly spread over the list."""
WHITENED_MAX = 4096
"""Values per image that a whitening can take: its matrix has this many rows and columns."""
VARIANCE_FLOOR = 1e-6
"""Added to each variance before dividing, so that dead directions are not blown up."""


@dataclass(frozen=True, eq=False)
class Front:
    """What the first layers of the network do: (x - mean), then perhaps @ matrix.

    Args:    mean: float64, shape (H, W, C).   matrix: float64, shape (H*W*C, H*W*C), or None.
    """

    mean: Doubles
    matrix: Doubles | None


def rule_from(choice: Input, photos: Photos) -> InputRule:
    """Return the input rule of a recipe; `mean_std` is measured on the given training images."""
    plain = _rule(choice, *SCALES.get(choice.normalise, SCALES["unit"]))
    if choice.normalise != "mean_std":
        return plain
    total, squares, count = np.zeros(3), np.zeros(3), 0
    for image in _sample(photos, _rule(choice, *SCALES["bytes"])):
        total += image.sum(axis=(0, 1), dtype=np.float64)
        squares += np.square(image, dtype=np.float64).sum(axis=(0, 1))
        count += image.shape[0] * image.shape[1]
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 1.0))
    return plain.model_copy(
        update={"mean": tuple(round(float(m), 4) for m in mean),
                "std": tuple(round(float(s), 4) for s in std)}
    )  # fmt: skip


def _rule(choice: Input, mean: float, std: float) -> InputRule:
    return InputRule(
        width=choice.size_px, height=choice.size_px, resize=choice.resize,
        mean=(mean,) * 3, std=(std,) * 3,
    )  # fmt: skip


def front_from(choice: Input, photos: Photos, rule: InputRule) -> Front | None:
    """Compute the first layers of the network, or None where the recipe wants none.

    Raises:  ConfigError when the input is too large to whiten.
    """
    if choice.normalise not in ("mean_image", "pca_whitening", "zca_whitening"):
        return None
    values = rule.height * rule.width * rule.channels
    if choice.normalise == "mean_image":
        images = _sample(photos, rule)
        mean = np.zeros((rule.height, rule.width, rule.channels))
        for count, image in enumerate(images, start=1):
            mean += (image - mean) / count
        return Front(mean, None)
    if values > WHITENED_MAX:
        raise ConfigError(
            f"input.normalise = {choice.normalise} takes at most {WHITENED_MAX} values per image, "
            f"{rule.width}x{rule.height}x{rule.channels} has {values}",
            hint="take a smaller input.size_px, or mean_std",
        )
    mean, covariance = _mean_and_covariance(photos, rule)
    matrix = whitening(covariance, symmetric=choice.normalise == "zca_whitening")
    return Front(mean.reshape(rule.height, rule.width, rule.channels), matrix)


def whitening(covariance: Doubles, *, symmetric: bool) -> Doubles:
    """Return W with covariance(x @ W) = identity, but for directions without variance.

    Args:    covariance: float64, shape (D, D).
             symmetric: rotate back (ZCA, the result still looks like the image); else PCA.
    """
    variances, directions = np.linalg.eigh(covariance)
    scaled = directions / np.sqrt(np.maximum(variances, 0) + VARIANCE_FLOOR)
    return np.asarray(scaled @ directions.T if symmetric else scaled[:, ::-1], dtype=np.float64)


def _mean_and_covariance(photos: Photos, rule: InputRule) -> tuple[Doubles, Doubles]:
    """Accumulate in blocks; shapes (D,) and (D, D)."""
    size = rule.height * rule.width * rule.channels
    total, products, count = np.zeros(size), np.zeros((size, size)), 0
    block: list[npt.NDArray[np.float32]] = []

    def add() -> None:
        nonlocal total, products, count
        rows = np.stack(block).astype(np.float64)
        total += rows.sum(axis=0)
        products += rows.T @ rows
        count += len(block)
        block.clear()

    for image in _sample(photos, rule):
        block.append(image.reshape(-1))
        if len(block) == 256:
            add()
    if block:
        add()
    mean = total / count
    return mean, products / count - np.outer(mean, mean)


def _sample(photos: Photos, rule: InputRule) -> Iterator[npt.NDArray[np.float32]]:
    """Yield normalised images, float32 (H, W, C); unreadable ones are passed over."""
    step = max(1, len(photos) // IMAGES_MAX)
    found = 0
    for index in range(0, len(photos), step):
        try:
            pixels = photos.read(index)
        except ImageError:
            continue
        found += 1
        yield normalised(resized(pixels, rule), rule)
    if not found:
        raise DataError(f"none of the {len(photos)} training images can be read")


def with_front(image: keras.KerasTensor, front: Front | None) -> keras.KerasTensor:
    """Put the first layers of the network behind its input; plain Keras layers, not trained."""
    if front is None:
        return image
    x = layers.Normalization(
        axis=(1, 2, 3), mean=front.mean, variance=np.ones_like(front.mean), name="mean_image"
    )(image)
    if front.matrix is None:
        return x
    flat = layers.Flatten(name="whitening_flat")(x)
    dense = layers.Dense(flat.shape[-1], use_bias=False, trainable=False, name="whitening")
    white = dense(flat)
    dense.set_weights([front.matrix.astype(np.float32)])
    return layers.Reshape(x.shape[1:], name="whitening_image")(white)
