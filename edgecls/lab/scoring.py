"""Judge a trained network on a split: accuracy with interval, classes, slices, mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import normalised, resized
from edgecls.errors import ImageError
from edgecls.lab.dataset import Photos
from edgecls.lab.unreadable import Unreadable
from edgecls.measure.intervals import Estimate, proportion

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
SLICE_MIN = 5
TOP_K = 5


@dataclass(frozen=True, eq=False)
class Scored:
    """What a network said of the readable images of a split.

    Args:    scores: softmax, float32 (n, classes).   indices: their places in `photos`, (n,).
    """

    photos: Photos
    indices: Indices
    scores: Floats

    @property
    def targets(self) -> Indices:
        return self.photos.targets[self.indices]

    @property
    def answers(self) -> Indices:
        return np.asarray(self.scores.argmax(axis=1), dtype=np.int64)

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.answers == self.targets, dtype=np.bool_)

    def accuracy(self) -> Estimate | None:
        """Return the share of right answers with its interval; None without images."""
        return proportion(int(self.right.sum()), len(self.right))

    def top_k(self, k: int) -> Estimate | None:
        """Return the share of images whose class is among the k highest scores."""
        ranks = (-self.scores).argsort(axis=1, kind="stable")[:, :k]
        return proportion(int((ranks == self.targets[:, None]).any(axis=1).sum()), len(ranks))

    def confusion(self) -> Indices:
        """Return counts, rows the truth and columns the answer, shape (classes, classes)."""
        classes = len(self.photos.labels)
        counts = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(counts, (self.targets, self.answers), 1)
        return counts

    def recalls(self) -> dict[str, Estimate | None]:
        """Return the share of each class's images that are recognised."""
        counts = self.confusion()
        return {
            label: proportion(int(counts[i, i]), int(counts[i].sum()))
            for i, label in enumerate(self.photos.labels)
        }

    def slices(self, columns: Sequence[str]) -> dict[str, dict[str, Estimate]]:
        """Return accuracy by each value of each column, values with few images left out."""
        result: dict[str, dict[str, Estimate]] = {}
        for column in columns:
            values = np.array([self.photos.rows[i].column(column) for i in self.indices])
            by_value = {}
            for value in sorted(set(values)):
                hits = self.right[values == value]
                estimate = proportion(int(hits.sum()), len(hits))
                if estimate is not None and estimate.n >= SLICE_MIN:
                    by_value[str(value)] = estimate
            result[column] = by_value
        return result

    def worst(self, count: int) -> Indices:
        """Return the places in `scores` of the surest wrong answers, the surest first."""
        wrong = np.flatnonzero(~self.right)
        surest = self.scores[wrong].max(axis=1)
        return np.asarray(wrong[np.argsort(-surest, kind="stable")][:count], dtype=np.int64)

    def as_json(self, *, slices: Sequence[str] = ()) -> dict[str, Any]:
        """Return every figure with n and interval."""
        found: dict[str, Any] = {"accuracy": _json(self.accuracy())}
        if len(self.photos.labels) > TOP_K:
            found[f"top_{TOP_K}"] = _json(self.top_k(TOP_K))
        found["recall"] = {label: _json(value) for label, value in self.recalls().items()}
        found["confusion"] = self.confusion().tolist()
        by_column = self.slices(slices)
        if by_column:
            found["slices"] = {
                column: {value: _json(estimate) for value, estimate in values.items()}
                for column, values in by_column.items()
            }
        return found


def scored(
    model: keras.Model, photos: Photos, rule: InputRule, *, batch: int, unreadable: Unreadable
) -> Scored:
    """Run a network over photos exactly as the device prepares them; unreadable ones are left out.

    Args:    model: ends in logits.
    """
    indices: list[int] = []
    parts: list[Floats] = []

    def prepared(index: int) -> Floats | None:
        try:
            return normalised(resized(photos.read(index), rule), rule)
        except ImageError as error:
            unreadable.add(photos.rows[index].file, error)
            return None

    with ThreadPoolExecutor(max_workers=2) as pool:
        for first in range(0, len(photos), batch):
            places = range(first, min(first + batch, len(photos)))
            images = list(pool.map(prepared, places))
            readable = [image for image in images if image is not None]
            if not readable:
                continue
            indices += [p for p, image in zip(places, images, strict=True) if image is not None]
            parts.append(softmax(np.asarray(model.predict_on_batch(_padded(readable, batch)))))
            parts[-1] = parts[-1][: len(readable)]
    classes = len(photos.labels)
    scores = np.concatenate(parts) if parts else np.zeros((0, classes), dtype=np.float32)
    return Scored(photos, np.array(indices, dtype=np.int64), scores)


def _padded(images: Sequence[Floats], batch: int) -> Floats:
    """Fill up the last batch, so that no back end compiles the network a second time."""
    rows = [*images, *[images[0]] * (batch - len(images))]
    return np.stack(rows)


def softmax(logits: npt.NDArray[Any]) -> Floats:
    """Return scores that sum to 1 in each row, float32."""
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def _json(estimate: Estimate | None) -> Mapping[str, Any] | None:
    return None if estimate is None else estimate.as_json()
