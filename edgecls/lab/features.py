"""Train a head on features that are computed once: minutes instead of hours on a CPU."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecls.lab.image_batches import ImageBatches
from edgecls.lab.order import Order

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float32]


class Features:
    """Features and targets of several augmented views of every image, on disk.

    Args:    x: float32, shape (views, n, ...), a memory map.   y: float32 (views, n, classes).
    """

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = x, y

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
    """
    first_x, first_y, *_ = batches[0]
    shape = tuple(int(side) for side in model.output.shape[1:])
    size = len(first_x)
    count = batches.examples
    x = np.memmap(file, dtype=np.float32, mode="w+", shape=(views, count, *shape))
    y = np.zeros((views, count, first_y.shape[1]), dtype=np.float32)
    for view in range(views):
        batches.start_epoch(view)
        for number in range(len(batches)):
            images, targets, *_ = batches[number]
            start = number * size
            x[view, start : start + len(images)] = model.predict_on_batch(images)
            y[view, start : start + len(images)] = targets
            tell(view * len(batches) + number + 1, views * len(batches))
    x.flush()
    return Features(x, y)


class FeatureBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of stored features; every epoch takes one of its views of each image at random."""

    def __init__(
        self, features: Features, order: Order, *, batch: int, seed: int, whole: bool
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._features, self._order = features, order
        self._batch, self._seed, self._whole = batch, seed, whole
        self.failure = None
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order and the views of an epoch."""
        rng = np.random.default_rng((self._seed, epoch))
        self._indices = self._order.epoch(epoch)
        self._views = rng.integers(0, self._features.views, len(self._indices))

    def __len__(self) -> int:
        count = len(self._features)
        return -(-count // self._batch) if self._whole else max(1, count // self._batch)

    def __getitem__(self, number: int) -> tuple[Floats, Floats]:
        window = slice(number * self._batch, (number + 1) * self._batch)
        views, indices = self._views[window], self._indices[window]
        return self._features.x[views, indices], self._features.y[views, indices]
