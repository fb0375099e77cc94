"""Compose views once and keep them with the teachers' answers: a small net learns in minutes.

A tiny student costs less than its teacher's look at the same picture. So the teachers look once, at
their own size, and the student sees the stored views again and again, mirrored at random.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.open import open_bundle
from edgecls.bundle.preprocess import normalised
from edgecls.classifier import Classifier
from edgecls.lab.bundle_weights import is_bundle
from edgecls.lab.compose import Composer, heat_of
from edgecls.lab.data import LABELS, DataError
from edgecls.lab.image_batches import Feeding
from edgecls.lab.weights import model_from_file
from edgecls.types import Pixels

Floats = npt.NDArray[np.float32]
Ask = Callable[[Sequence[Pixels]], Floats]
SCORE_MIN = 1e-6
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
             teachers: .keras files that see the same normalisation as the student, or bundles with
             the labels of LABELS; a bundle's int8 file is several times faster on a CPU.
    """
    size_px, cells = feeding.rule.width, feeding.rule.width // 32
    facts: list[object] = [count, feeding.seed, size_px, composer.size_px, len(composer.samples)]
    facts += [_identity(Path(file)) for file in teachers]
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
        with contextlib.ExitStack() as stack:
            asked = [_teacher(Path(file), feeding.rule, stack) for file in teachers]
            _compose(views, composer, feeding, asked)
        for stored in maps.values():
            stored.flush()
        done.write_text(json.dumps(facts))
    return views


def _identity(teacher: Path) -> list[str]:
    if is_bundle(teacher):
        return [str(variant.sha256) for variant in open_bundle(teacher).manifest.variants]
    return [hashlib.sha256(teacher.read_bytes()).hexdigest()]


def _compose(views: Views, composer: Composer, feeding: Feeding, teachers: Sequence[Ask]) -> None:
    size_px = feeding.rule.width
    for start in range(0, len(views.labels), TEACHING_BATCH):
        rng = np.random.default_rng((feeding.seed, start))
        end = min(start + TEACHING_BATCH, len(views.labels))
        made = [composer.view(rng) for _ in range(start, end)]
        views.images[start:end] = np.stack([_shrunk(view.image, size_px) for view in made])
        views.labels[start:end] = [view.label for view in made]
        grids = [heat_of(view, views.heat.shape[1])[..., 0] for view in made]
        views.heat[start:end] = np.stack(grids)
        images = [view.image for view in made]
        views.answers[start:end] = np.mean([teacher(images) for teacher in teachers], axis=0)
        if start and start % TOLD_EVERY < TEACHING_BATCH:
            log.info("stored views: %d of %d", start, len(views.labels))


def _teacher(file: Path, rule: InputRule, stack: contextlib.ExitStack) -> Ask:
    """Return who gives logits, (n, classes), for pictures of any size."""
    if is_bundle(file):
        bundle = open_bundle(file)
        if bundle.manifest.labels != LABELS:
            raise DataError(
                f"the teacher {file} has the labels {', '.join(bundle.manifest.labels)}, expected "
                f"{', '.join(LABELS)}"
            )
        classifier = stack.enter_context(Classifier(bundle))
        return lambda images: np.stack([_logits(classifier, image) for image in images])
    model = model_from_file(file)
    size_px = int(model.input.shape[1])
    own = rule.model_copy(update={"width": size_px, "height": size_px})

    def ask(images: Sequence[Pixels]) -> Floats:
        seen = np.stack([normalised(_shrunk(image, size_px), own) for image in images])
        return np.asarray(model.predict_on_batch(seen), dtype=np.float32)

    return ask


def _logits(classifier: Classifier, image: Pixels) -> Floats:
    """Undo the softmax, up to a constant that no softmax sees."""
    scores = classifier.classify(image).scores
    floored = np.maximum([scores[label] for label in LABELS], SCORE_MIN)
    return np.asarray(np.log(floored), dtype=np.float32)


def _shrunk(image: Pixels, size_px: int) -> Pixels:
    if image.shape[0] == size_px:
        return image
    how = cv2.INTER_AREA if image.shape[0] > size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=how), dtype=np.uint8)
