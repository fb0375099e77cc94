"""Feed composed person views to a run: persons pasted, cut out and left out, with their boxes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.preprocess import normalised
from edgecls.lab.compose import Composer, heat_of
from edgecls.lab.data import (
    LABELS,
    REQUIRED_COLUMNS,
    DataError,
    Sample,
    boxes_from_text,
    family_of,
    squares_from_samples,
)
from edgecls.lab.dataset import Photos
from edgecls.lab.image_batches import Feeding, ImageBatches
from edgecls.lab.judged import judged_windows
from edgecls.lab.listing import Row

Floats = npt.NDArray[np.float32]
QUEUE = 12
SQUARE_PX = 224
CELL_PX = 32


class PersonBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """So many batches per epoch, each seeded by its number: threads may take any order."""

    def __init__(self, composer: Composer, feeding: Feeding, *, steps: int) -> None:
        super().__init__(workers=feeding.workers, use_multiprocessing=False, max_queue_size=QUEUE)
        self.composer, self.epoch = composer, 0
        self._feeding, self._steps = feeding, steps
        self.failure: DataError | None = None

    def __len__(self) -> int:
        return self._steps

    def start_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next."""
        self.epoch = epoch

    def __getitem__(self, index: int) -> tuple[Floats, dict[str, Floats]]:
        feeding = self._feeding
        rng = np.random.default_rng((feeding.seed, self.epoch, index))
        views = [self.composer.view(rng) for _ in range(feeding.batch)]
        labels = np.eye(len(LABELS), dtype=np.float32)[[view.label for view in views]]
        smooth = labels * (1 - feeding.smoothing) + feeding.smoothing / len(LABELS)
        images = np.stack([normalised(view.image, feeding.rule) for view in views])
        heat = np.stack([heat_of(view) for view in views])
        return images, {"logits": smooth.astype(np.float32), "heat": heat}


class HeatlessBatches(ImageBatches):
    """Whole photographs for validation: the boxes count for nothing there."""

    def __getitem__(self, index: int) -> Any:  # Any: targets by the output's name
        images, labels, *_ = super().__getitem__(index)
        cells = images.shape[1] // CELL_PX
        unknown: Floats = np.full((len(images), cells, cells, 1), -1.0, dtype=np.float32)
        return images, {"logits": labels, "heat": unknown}


@dataclass(frozen=True)
class Judging:
    """Who throws out windows beside persons: see `judged_windows`."""

    bundle: Path
    score_max: float


def person_batches(
    photos: Photos, *, feeding: Feeding, cache: Path, judging: Judging | None = None
) -> PersonBatches:
    """Feed views as they are composed, batch by batch.

    Raises:  DataError as `composer_from_photos`.
    """
    composer = composer_from_photos(
        photos, size_px=feeding.rule.width, feeding=feeding, cache=cache, judging=judging
    )
    steps = feeding.steps or max(1, len(composer.samples) // feeding.batch)
    return PersonBatches(composer, feeding, steps=steps)


def composer_from_photos(
    photos: Photos, *, size_px: int, feeding: Feeding, cache: Path, judging: Judging | None
) -> Composer:
    """Compose views from photographs whose manifests name families and person boxes.

    Raises:  DataError for other labels or missing columns.
    """
    if photos.labels != LABELS:
        raise DataError(
            f'composition = "persons" needs the labels {", ".join(LABELS)} in this order, '
            f"received {', '.join(photos.labels)}"
        )
    missing = [
        name for name in REQUIRED_COLUMNS if name not in photos.rows[0].columns
    ]  # fmt: skip
    if missing:
        raise DataError(
            f'composition = "persons" needs the column {missing[0]!r}, which is missing'
        )
    samples = [_sample(row) for row in photos.rows]
    pixels = squares_from_samples(samples, SQUARE_PX, cache=cache)
    beside = None
    if judging is not None:
        beside = judged_windows(
            samples, pixels, judging.bundle, score_max=judging.score_max, seed=0, cache=cache
        )
    return Composer(
        samples, pixels, size_px=size_px, plain=feeding.augmentation is None, beside=beside
    )


def _sample(row: Row) -> Sample:
    return Sample(
        path=row.path,
        label=row.label,
        family=family_of(row.columns["family"]),
        boxes=boxes_from_text(row.columns["person_boxes"]),
    )
