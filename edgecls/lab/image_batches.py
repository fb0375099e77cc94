"""Feed images from disk to Keras: read, augment and normalise in threads, batch by batch.

A batch depends on the seed, the epoch and its number only: not on threads, and not on whether the
run was interrupted before. Memory holds a few batches, however many images there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import normalised, resized
from edgecls.errors import ImageError
from edgecls.lab.augmentation import changed, cropped, mixed
from edgecls.lab.data import DataError
from edgecls.lab.dataset import Photos
from edgecls.lab.order import Indices, Order
from edgecls.lab.recipe import Augmentation
from edgecls.lab.unreadable import Unreadable

Floats = npt.NDArray[np.float32]
Batch = tuple[Floats, Floats] | tuple[Floats, Floats, Floats]

QUEUED = 8
REPLACEMENTS_MAX = 100


@dataclass(frozen=True, eq=False)
class Feeding:
    """How images become batches.

    Args:    rule: resizing and normalisation, the bundle's own.   seed: of order and augmentation.
             class_weights: float32, shape (classes,), or None.   steps: per epoch; None: all once.
             whole: keep the last images that fill no batch; else they wait for another epoch.
    """

    rule: InputRule
    batch: int
    seed: int
    workers: int
    augmentation: Augmentation | None = None
    smoothing: float = 0.0
    class_weights: Floats | None = None
    steps: int | None = None
    whole: bool = False


class ImageBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of photos: x float32 (N, S, S, C), y float32 (N, classes), perhaps weights (N,).

    An image that cannot be read is replaced by the next one.
    """

    def __init__(
        self, photos: Photos, order: Order, feeding: Feeding, *, unreadable: Unreadable
    ) -> None:
        super().__init__(workers=feeding.workers, use_multiprocessing=False, max_queue_size=QUEUED)
        self._photos, self._order, self._feeding = photos, order, feeding
        self._unreadable = unreadable
        self._eye = np.eye(len(photos.labels), dtype=np.float32)
        self._targets = photos.targets
        self._epoch, self._indices = 0, order.epoch(0)
        self.failure: DataError | None = None

    def start_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next; no batch is being made meanwhile."""
        if epoch != self._epoch:
            self._epoch, self._indices = epoch, self._order.epoch(epoch)

    @property
    def examples(self) -> int:
        """Return how many examples all batches of an epoch hold together."""
        whole = self._feeding.whole
        return len(self._photos) if whole else len(self) * self._feeding.batch

    def __len__(self) -> int:
        feeding, count = self._feeding, len(self._photos)
        if feeding.steps is not None:
            return feeding.steps
        if feeding.whole:
            return -(-count // feeding.batch)
        return max(1, count // feeding.batch)

    def __getitem__(self, index: int) -> Batch:
        try:
            return self._batch(index)
        except DataError as error:
            self.failure = error  # Keras wraps what a thread raises beyond recognition
            raise

    def _batch(self, number: int) -> Batch:
        feeding = self._feeding
        rng = np.random.default_rng((feeding.seed, self._epoch, number))
        first = number * feeding.batch
        size = feeding.batch
        if feeding.whole:
            size = min(size, len(self._photos) - first)
        places = np.arange(first, first + size) % len(self._indices)
        images, targets = [], []
        for place in places:
            image, target = self._example(rng, self._indices, int(place))
            images.append(image)
            targets.append(target)
        x, shown = np.stack(images), self._eye[targets]
        if feeding.augmentation is not None:
            x, shown = mixed(rng, x, shown, feeding.augmentation)
        y = shown * (1 - feeding.smoothing) + feeding.smoothing / len(self._eye)
        if feeding.class_weights is None:
            return x, y.astype(np.float32)
        return x, y.astype(np.float32), shown @ feeding.class_weights  # a blend weighs as both do

    def _example(
        self, rng: np.random.Generator, indices: Indices, place: int
    ) -> tuple[Floats, int]:
        """Return the image at `place` of the epoch, or the next one that can be read."""
        for step in range(REPLACEMENTS_MAX):
            index = int(indices[(place + step) % len(indices)])
            try:
                pixels = self._photos.read(index)
            except ImageError as error:
                self._unreadable.add(self._photos.rows[index].file, error)
                continue
            return self._prepared(rng, pixels), int(self._targets[index])
        raise DataError(f"{REPLACEMENTS_MAX} images in a row are unreadable")

    def _prepared(self, rng: np.random.Generator, pixels: npt.NDArray[np.uint8]) -> Floats:
        rule, augmentation = self._feeding.rule, self._feeding.augmentation
        if augmentation is None:
            return normalised(resized(pixels, rule), rule)
        sized = resized(cropped(rng, pixels, augmentation), rule)
        return normalised(changed(rng, sized, augmentation), rule)
