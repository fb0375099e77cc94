"""Batches: decided by the seed alone, sparing with memory, unshaken by a broken file."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.bundle.manifest import InputRule  # noqa: E402
from edgecls.errors import ImageError  # noqa: E402
from edgecls.lab.data import DataError  # noqa: E402
from edgecls.lab.dataset import Photos  # noqa: E402
from edgecls.lab.image_batches import Feeding, ImageBatches  # noqa: E402
from edgecls.lab.listing import Row  # noqa: E402
from edgecls.lab.order import InOrder, Order  # noqa: E402
from edgecls.lab.recipe import Augmentation  # noqa: E402
from edgecls.lab.unreadable import Unreadable  # noqa: E402

RULE = InputRule(width=8, height=8, mean=(0, 0, 0), std=(255, 255, 255))


class Album:
    """Hand out pictures whose value is their number; count the reads, refuse some."""

    def __init__(self, broken: tuple[int, ...] = ()) -> None:
        self.broken, self.reads, self._lock = broken, 0, threading.Lock()

    def __call__(self, row: Row) -> np.ndarray:  # type: ignore[type-arg]
        with self._lock:
            self.reads += 1
        if int(row.file) in self.broken:
            raise ImageError(f"cannot decode {row.file}")
        return np.full((10, 10, 3), int(row.file) % 256, np.uint8)


def _photos(count: int, album: Album) -> Photos:
    rows = tuple(Row(Path(str(i)), str(i), "ab"[i % 2], "train") for i in range(count))
    return Photos(rows, ("a", "b"), album)


def _batches(photos: Photos, *, whole: bool = False, share_max: float = 0.2, **more: object):  # type: ignore[no-untyped-def]
    feeding = Feeding(RULE, 4, seed=7, workers=2, whole=whole, **more)  # type: ignore[arg-type]
    order = InOrder(len(photos)) if whole else Order(len(photos), seed=7)
    return ImageBatches(photos, order, feeding, unreadable=Unreadable(share_max, len(photos)))


def test_a_batch_depends_on_seed_epoch_and_number_only() -> None:
    heavy = Augmentation(crop=1.0, colour=1.0, noise=1.0, mixup=0.3)
    one = _batches(_photos(18, Album()), augmentation=heavy)
    other = _batches(_photos(18, Album()), augmentation=heavy)
    other.start_epoch(3)
    _ = other[1], other[0]
    other.start_epoch(0)
    for number in (2, 0):
        assert np.array_equal(one[number][0], other[number][0])
        assert np.array_equal(one[number][1], other[number][1])
    one.start_epoch(1)
    assert not np.array_equal(one[0][0], other[0][0])


def test_training_fills_its_batches_and_validation_keeps_the_rest() -> None:
    photos = _photos(18, Album())
    assert [len(batch[0]) for batch in (_batches(photos)[i] for i in range(4))] == [4] * 4
    assert len(_batches(photos)) == 4
    whole = _batches(photos, whole=True)
    assert [len(whole[i][0]) for i in range(len(whole))] == [4, 4, 4, 4, 2]
    seen = np.concatenate([whole[i][0][:, 0, 0, 0] for i in range(5)]) * 255
    assert np.round(seen).astype(int).tolist() == list(range(18))
    assert len(_batches(_photos(3, Album()))) == 1  # fewer images than a batch: drawn again


def test_only_the_images_of_a_batch_are_read() -> None:
    album = Album()
    batches = _batches(_photos(100_000, album))
    assert len(batches[5][0]) == 4
    assert album.reads == 4


def test_an_unreadable_image_is_replaced_counted_and_named() -> None:
    photos = _photos(20, Album(broken=(5,)))
    unreadable = Unreadable(0.1, 20)
    whole = ImageBatches(
        photos, InOrder(20), Feeding(RULE, 4, seed=0, workers=1, whole=True), unreadable=unreadable
    )
    x, y = whole[1]
    assert np.round(x[:, 0, 0, 0] * 255).tolist() == [4, 6, 6, 7]
    assert y.tolist() == [[1, 0], [1, 0], [1, 0], [0, 1]]
    _ = whole[1]  # seen twice, counted once
    assert unreadable.names == {"5": "cannot decode 5"}


def test_too_many_unreadable_images_stop_the_run_by_name() -> None:
    batches = _batches(_photos(20, Album(broken=(3, 4, 5))), whole=True, share_max=0.1)
    with pytest.raises(DataError, match="3 of 20 images are unreadable, at most 2 may be: 3, 4, 5"):
        list(map(batches.__getitem__, range(5)))
    assert isinstance(batches.failure, DataError)


def test_smoothing_and_class_weights_reach_the_targets() -> None:
    weights = np.array([0.5, 2.0], np.float32)
    batches = _batches(_photos(8, Album()), whole=True, smoothing=0.1, class_weights=weights)
    _, y, sample_weights = batches[0]
    assert np.allclose(y[0], [0.95, 0.05])
    assert sample_weights.tolist() == [0.5, 2.0, 0.5, 2.0]


def test_a_blend_weighs_as_much_as_the_classes_in_it() -> None:
    weights = np.array([0.5, 2.0], np.float32)
    batches = _batches(
        _photos(40, Album()), augmentation=Augmentation(mixup=0.4), smoothing=0.1,
        class_weights=weights,
    )  # fmt: skip
    blended = 0
    for number in range(10):
        _, y, sample_weights = batches[number]
        shown = (y - 0.05) / 0.9
        assert np.allclose(sample_weights, shown @ weights, atol=1e-5)  # float32 sums
        blended += int(((shown > 0.05) & (shown < 0.95)).any())
    assert blended
