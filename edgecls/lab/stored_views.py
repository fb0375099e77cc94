"""Compose views once and keep them with the teachers' answers: a small net learns in minutes.

A tiny student costs less than its teacher's look at the same picture. So the teachers look once, at
their own size, and the student sees the stored views again and again, mirrored at random.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import normalised
from edgecls.lab.compose import Composer, heat_of
from edgecls.lab.data import LABELS, DataError
from edgecls.lab.image_batches import Feeding
from edgecls.lab.weights import model_from_file

Floats = npt.NDArray[np.float32]
QUEUED = 12
TEACHING_BATCH = 32
TOLD_EVERY = 2000
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Views:
    """Composed views, memory-mapped.

    Args:    images: uint8 (n, S, S, 3).   labels: (n,).   heat: int8 (n, cells, cells), see
             `heat_from_boxes`.   answers: the teachers' mean logits, float32 (n, classes).
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    heat: npt.NDArray[np.int8]
    answers: Floats


class StoredViews(keras.utils.PyDataset):  # type: ignore[misc]
    """Draw batches from stored views; the targets are labels and teachers' answers side by side."""

    def __init__(self, views: Views, feeding: Feeding, *, steps: int) -> None:
        super().__init__(workers=feeding.workers, use_multiprocessing=False, max_queue_size=QUEUED)
        self._views, self._feeding, self._steps, self._epoch = views, feeding, steps, 0
        self.failure: DataError | None = None

    def __len__(self) -> int:
        return self._steps

    def start_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches come next."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> tuple[Floats, dict[str, Floats]]:
        feeding, views = self._feeding, self._views
        rng = np.random.default_rng((feeding.seed, self._epoch, index))
        chosen = np.sort(rng.integers(len(views.labels), size=feeding.batch))
        mirrored = rng.random(feeding.batch) < 0.5
        images = np.where(
            mirrored[:, None, None, None], views.images[chosen][:, :, ::-1], views.images[chosen]
        )
        heat = np.where(mirrored[:, None, None], views.heat[chosen][:, :, ::-1], views.heat[chosen])
        labels = np.eye(len(LABELS), dtype=np.float32)[views.labels[chosen]]
        smooth = labels * (1 - feeding.smoothing) + feeding.smoothing / len(LABELS)
        targets = np.concatenate([smooth, views.answers[chosen]], axis=1).astype(np.float32)
        pixels = np.stack([normalised(image, feeding.rule) for image in images])
        return pixels, {"logits": targets, "heat": heat[..., None].astype(np.float32)}


def stored_views(
    composer: Composer, feeding: Feeding, teachers: Sequence[str], *, count: int, cache: Path
) -> Views:
    """Compose `count` views and let the teachers judge them, once; later calls read the files.

    Args:    composer: at the size of the largest teacher.   feeding: the student's.
             teachers: .keras files that see the same normalisation as the student.
    """
    size_px, cells = feeding.rule.width, feeding.rule.width // 32
    facts: list[object] = [count, feeding.seed, size_px, composer.size_px, len(composer.samples)]
    facts += [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in teachers]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    shapes = {
        "images": ((count, size_px, size_px, 3), np.uint8),
        "labels": ((count,), np.int64),
        "heat": ((count, cells, cells), np.int8),
        "answers": ((count, len(LABELS)), np.float32),
    }
    done = cache / f"views-{key}.json"
    fresh = not done.exists()
    cache.mkdir(parents=True, exist_ok=True)
    maps = {
        name: np.memmap(
            cache / f"views-{key}.{name}", dtype=dtype, mode="w+" if fresh else "r", shape=shape
        )
        for name, (shape, dtype) in shapes.items()
    }
    views = Views(**maps)
    if fresh:
        _compose(views, composer, feeding, [model_from_file(Path(file)) for file in teachers])
        for stored in maps.values():
            stored.flush()
        done.write_text(json.dumps(facts))
    return views


def _compose(
    views: Views, composer: Composer, feeding: Feeding, teachers: Sequence[keras.Model]
) -> None:
    size_px = feeding.rule.width
    for start in range(0, len(views.labels), TEACHING_BATCH):
        rng = np.random.default_rng((feeding.seed, start))
        end = min(start + TEACHING_BATCH, len(views.labels))
        made = [composer.view(rng) for _ in range(start, end)]
        views.images[start:end] = np.stack([_shrunk(view.image, size_px) for view in made])
        views.labels[start:end] = [view.label for view in made]
        grids = [heat_of(view, views.heat.shape[1])[..., 0] for view in made]
        views.heat[start:end] = np.stack(grids)
        answers = [_answers(teacher, feeding.rule, [v.image for v in made]) for teacher in teachers]
        views.answers[start:end] = np.mean(answers, axis=0)
        if start and start % TOLD_EVERY < TEACHING_BATCH:
            log.info("stored views: %d of %d", start, len(views.labels))


def _answers(
    teacher: keras.Model, rule: InputRule, images: Sequence[npt.NDArray[np.uint8]]
) -> Floats:
    size_px = int(teacher.input.shape[1])
    own = rule.model_copy(update={"width": size_px, "height": size_px})
    seen = np.stack([normalised(_shrunk(image, size_px), own) for image in images])
    return np.asarray(teacher.predict_on_batch(seen), dtype=np.float32)


def _shrunk(image: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    if image.shape[0] == size_px:
        return image
    how = cv2.INTER_AREA if image.shape[0] > size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=how), dtype=np.uint8)
