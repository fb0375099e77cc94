"""Stored features: they count as their images do, epochs are as long as wished, room is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.bundle.manifest import InputRule  # noqa: E402
from edgecls.lab.checkpoint import TrainingError  # noqa: E402
from edgecls.lab.dataset import Photos  # noqa: E402
from edgecls.lab.features import FeatureBatches, features_of, reserved  # noqa: E402
from edgecls.lab.image_batches import Feeding, ImageBatches  # noqa: E402
from edgecls.lab.listing import Row  # noqa: E402
from edgecls.lab.order import InOrder  # noqa: E402
from edgecls.lab.unreadable import Unreadable  # noqa: E402

COUNT = 10
RULE = InputRule(width=8, height=8, mean=(0, 0, 0), std=(255, 255, 255))


def _stored(tmp_path: Path, **more: object):  # type: ignore[no-untyped-def]
    rows = tuple(Row(Path(str(i)), str(i), "ab"[i % 2], "train") for i in range(COUNT))
    photos = Photos(rows, ("a", "b"), lambda row: np.full((8, 8, 3), int(row.file), np.uint8))
    batches = ImageBatches(
        photos, InOrder(COUNT), Feeding(RULE, 4, seed=7, workers=1, whole=True, **more),  # type: ignore[arg-type]
        unreadable=Unreadable(0.0, COUNT),
    )  # fmt: skip
    image = keras.Input((8, 8, 3))
    backbone = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    file = tmp_path / "features.f32"
    return features_of(backbone, batches, views=2, file=file, tell=lambda done, total: None)


def test_class_weights_travel_with_the_features(tmp_path: Path) -> None:
    stored = _stored(tmp_path, class_weights=np.array([0.5, 2.0], np.float32))
    batches = FeatureBatches(stored, InOrder(COUNT), batch=4, seed=1, whole=True)
    x, y, weights = batches[2]
    assert np.allclose(x[:, 0] * 255, [8, 9], atol=1e-4)  # float32
    assert weights.tolist() == (y @ [0.5, 2.0]).tolist() == [0.5, 2.0]
    plain = FeatureBatches(_stored(tmp_path), InOrder(COUNT), batch=4, seed=1, whole=True)
    assert len(plain[0]) == 2


def test_an_epoch_has_the_steps_of_the_phase(tmp_path: Path) -> None:
    stored = _stored(tmp_path)
    batches = FeatureBatches(stored, InOrder(COUNT), batch=4, seed=1, whole=False, steps=5)
    assert len(batches) == 5
    seen = np.concatenate([np.round(batches[i][0][:, 0] * 255) for i in range(5)])
    assert seen.tolist() == [*range(10), *range(10)]
    assert len(FeatureBatches(stored, InOrder(COUNT), batch=4, seed=1, whole=False)) == 2


def test_a_disk_without_room_is_told_before_it_is_written_to(tmp_path: Path) -> None:
    file = tmp_path / "features.f32"
    with pytest.raises(TrainingError, match=r"cannot write .*features\.f32"):
        reserved(file, (2**40, 2**12))
    assert not file.exists()
