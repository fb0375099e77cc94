"""Figures of a run: counted right, with n and interval, unreadable images left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.bundle.manifest import InputRule  # noqa: E402
from edgecls.errors import ImageError  # noqa: E402
from edgecls.lab.dataset import Photos  # noqa: E402
from edgecls.lab.listing import Row  # noqa: E402
from edgecls.lab.scoring import scored, softmax  # noqa: E402
from edgecls.lab.unreadable import Unreadable  # noqa: E402

LABELS = tuple("abcdefg")
RULE = InputRule(width=4, height=4, mean=(0, 0, 0), std=(1, 1, 1))
ANSWERS = [0, 1, 2, 2, 4, 5, 6, 0, 1, 3]
TRUTH = [0, 1, 2, 3, 4, 5, 6, 1, 1, 3]
BROKEN = 4


class Oracle:
    """A network that answers what a picture's value says, ever less surely."""

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        numbers = images[:, 0, 0, 0].astype(int)
        logits = np.zeros((len(images), len(LABELS)), np.float32)
        logits[np.arange(len(images)), np.array(ANSWERS)[numbers]] = 5.0 - numbers / 10
        return logits


def _read(row: Row) -> np.ndarray:  # type: ignore[type-arg]
    if int(row.file) == BROKEN:
        raise ImageError("cannot decode 4")
    return np.full((6, 6, 3), int(row.file), np.uint8)


@pytest.fixture
def result():  # type: ignore[no-untyped-def]
    rows = tuple(
        Row(Path(str(i)), str(i), LABELS[t], "test", columns={"night": "yes" if i < 6 else "no"})
        for i, t in enumerate(TRUTH)
    )
    photos = Photos(rows, LABELS, _read)
    return scored(Oracle(), photos, RULE, batch=4, unreadable=Unreadable(0.2, 10))


def test_accuracy_is_over_the_readable_images(result) -> None:  # type: ignore[no-untyped-def]
    accuracy = result.accuracy()
    assert (accuracy.value, accuracy.n) == (pytest.approx(7 / 9), 9)
    assert accuracy.low < 7 / 9 < accuracy.high
    assert result.indices.tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_confusion_recall_and_slices_count_the_same_images(result) -> None:  # type: ignore[no-untyped-def]
    counts = result.confusion()
    assert counts.sum() == 9
    assert counts[3].tolist() == [0, 0, 1, 1, 0, 0, 0]  # d: once taken for c
    assert result.recalls()["b"].value == pytest.approx(2 / 3)
    assert result.recalls()["e"] is None  # its only image is unreadable
    night = result.slices(["night"])["night"]
    assert (night["yes"].n, night["yes"].value) == (5, pytest.approx(4 / 5))
    assert "no" not in night  # four images say nothing


def test_mistakes_come_surest_first_and_top_5_forgives_them(result) -> None:  # type: ignore[no-untyped-def]
    assert result.indices[result.worst(10)].tolist() == [3, 7]
    assert result.top_k(5).value > result.accuracy().value
    report = result.as_json(slices=["night"])
    assert set(report) == {"accuracy", "top_5", "recall", "confusion", "slices"}


def test_scores_sum_to_one_even_for_huge_logits() -> None:
    scores = softmax(np.array([[1000.0, 0.0], [-1000.0, -1000.0]]))
    assert np.allclose(scores, [[1, 0], [0.5, 0.5]])
