"""Train a head on features that are computed once: minutes instead of hours on a CPU."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecls.lab.checkpoint import TrainingError
from edgecls.lab.image_batches import Batch, ImageBatches
from edgecls.lab.order import Order

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float32]


class Features:
    """Features and targets of several augmented views of every image, on disk.

    Args:    x: float32, shape (views, n, ...), a memory map.   y: float32 (views, n, classes).
             weights: float32 (views, n), how much each counts, or None.
    """

    def __init__(self, x: Floats, y: Floats, weights: Floats | None = None) -> None:
        self.x, self.y, self.weights = x, y, weights

    @property
    def views(self) -> int:
        return len(self.x)

    def __len__(self) -> int:
        return int(self.x.shape[1])


def features_of(
    model: keras.Model,
    batches: ImageBatches,
    *,
    views: int,
    file: Path,
    tell: Callable[[int, int], None],
) -> Features:
    """Run a backbone over every batch, once per view; each view has its own augmentation.

    Args:    model: image to features.   file: the memory map, overwritten.
             tell: called with the number of batches done and of all.
    Raises:  TrainingError when the disk has no room for them.
    """
    first_x, first_y, *weighted = batches[0]
    shape = tuple(int(side) for side in model.output.shape[1:])
    size = len(first_x)
    count = batches.examples
    x = reserved(file, (views, count, *shape))
    weights = np.zeros((views, count), dtype=np.float32) if weighted else None
    y = np.zeros((views, count, first_y.shape[1]), dtype=np.float32)
    for view in range(views):
        batches.start_epoch(view)
        for number in range(len(batches)):
            images, targets, *given = batches[number]
            start = number * size
            if weights is not None:
                weights[view, start : start + len(images)] = given[0]
            x[view, start : start + len(images)] = model.predict_on_batch(images)
            y[view, start : start + len(images)] = targets
            tell(view * len(batches) + number + 1, views * len(batches))
    x.flush()
    return Features(x, y, weights)


def reserved(
    file: Path, shape: tuple[int, ...]
) -> np.memmap[Any, np.dtype[np.float32]]:  # Any: the shape
    """Return a new memory map, float32, whose room on the disk is taken already.

    Without that, a disk that fills up later would kill the process without a word.

    Raises:  TrainingError when there is no room.
    """
    size = math.prod(shape) * np.dtype(np.float32).itemsize
    try:
        with file.open("wb") as made:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(made.fileno(), 0, size)
            made.truncate(size)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise TrainingError(
            f"cannot write {file} ({size / 1e6:.0f} MB): {error.strerror or error}",
            hint="make room, or lower cached_views",
        ) from error
    return np.memmap(file, dtype=np.float32, mode="r+", shape=shape)


class FeatureBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of stored features; every epoch takes one of its views of each image at random."""

    def __init__(
        self, features: Features, order: Order, *, batch: int, seed: int, whole: bool,
        steps: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(workers=1, use_multiprocessing=False)
        self._features, self._order = features, order
        self._batch, self._seed, self._whole, self._steps = batch, seed, whole, steps
        self.failure = None
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order and the views of an epoch."""
        rng = np.random.default_rng((self._seed, epoch))
        self._indices = self._order.epoch(epoch)
        self._views = rng.integers(0, self._features.views, len(self._indices))

    def __len__(self) -> int:
        count = len(self._features)
        if self._steps is not None:
            return self._steps
        return -(-count // self._batch) if self._whole else max(1, count // self._batch)

    def __getitem__(self, number: int) -> Batch:
        first, count = number * self._batch, len(self._indices)
        last = min(first + self._batch, count) if self._whole else first + self._batch
        places = np.arange(first, last) % count
        views, indices = self._views[places], self._indices[places]
        x, y = self._features.x[views, indices], self._features.y[views, indices]
        weights = self._features.weights
        return (x, y) if weights is None else (x, y, weights[views, indices])
