"""Preprocessing measured on the training images: white is white, and the device does the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.bundle.preprocess import Preprocessor, normalised, resized  # noqa: E402
from edgecls.errors import ConfigError, ImageError  # noqa: E402
from edgecls.lab.data import DataError  # noqa: E402
from edgecls.lab.dataset import Photos  # noqa: E402
from edgecls.lab.image_batches import Feeding, ImageBatches  # noqa: E402
from edgecls.lab.listing import Row  # noqa: E402
from edgecls.lab.order import InOrder  # noqa: E402
from edgecls.lab.preprocessing import front_from, rule_from, with_front  # noqa: E402
from edgecls.lab.recipe import Input  # noqa: E402
from edgecls.lab.unreadable import Unreadable  # noqa: E402
from edgecls.types import TensorSpec  # noqa: E402

COUNT, SIZE_PX = 600, 8


@pytest.fixture(scope="module")
def photos() -> Photos:
    """Return 600 pictures of 8x8 whose neighbouring values go together, as in photographs."""
    rng = np.random.default_rng(4)
    base = rng.normal(120, 25, (COUNT, 1, 1, 3)) + rng.normal(0, 18, (COUNT, 1, SIZE_PX, 1))
    noise = rng.normal(0, 12, (COUNT, SIZE_PX, SIZE_PX, 3))
    images = np.clip(base + noise + [10, 0, -20], 0, 255).astype(np.uint8)
    rows = tuple(
        Row(Path(str(i)), str(i), "ab"[i % 2], "train", columns={"i": str(i)}) for i in range(COUNT)
    )
    return Photos(rows, ("a", "b"), lambda row: images[int(row.columns["i"])])


def _choice(normalise: str) -> Input:
    return Input.model_validate({"size_px": SIZE_PX, "normalise": normalise})


def _all(photos: Photos, normalise: str):  # type: ignore[no-untyped-def]
    """Return the images as the network's own layers see them, shape (n, H, W, C)."""
    choice = _choice(normalise)
    rule = rule_from(choice, photos)
    front = front_from(choice, photos, rule)
    image = keras.Input((SIZE_PX, SIZE_PX, 3))
    model = keras.Model(image, with_front(image, front))
    x = np.stack([normalised(resized(photos.read(i), rule), rule) for i in range(len(photos))])
    return np.asarray(model.predict(x, batch_size=100, verbose=0)), x, model


@pytest.mark.parametrize("normalise", ["pca_whitening", "zca_whitening"])
def test_whitened_images_are_white(photos: Photos, normalise: str) -> None:
    white, _, _ = _all(photos, normalise)
    flat = white.reshape(len(white), -1).astype(np.float64)
    covariance = np.cov(flat, rowvar=False, bias=True)
    # VARIANCE_FLOOR lowers each variance v to v / (v + 1e-6); the smallest here is about 5e-4
    assert np.abs(np.diag(covariance) - 1).max() < 0.005
    off = covariance - np.diag(np.diag(covariance))
    assert np.abs(off).max() < 2e-3
    assert np.abs(flat.mean(axis=0)).max() < 1e-3


def test_zca_keeps_the_look_of_an_image(photos: Photos) -> None:
    white, plain, _ = _all(photos, "zca_whitening")
    centred = plain - plain.mean(axis=0)
    own = [np.corrcoef(white[i].ravel(), centred[i].ravel())[0, 1] for i in range(50)]
    assert min(own) > 0.3


def test_first_layers_are_plain_and_are_not_trained(photos: Photos) -> None:
    _, _, model = _all(photos, "pca_whitening")
    assert model.trainable_weights == []
    assert {type(layer).__module__.partition(".")[0] for layer in model.layers} == {"keras"}


def test_the_mean_image_is_subtracted(photos: Photos) -> None:
    centred, plain, _ = _all(photos, "mean_image")
    assert np.allclose(centred, plain - plain.mean(axis=0), atol=1e-5)  # float32 sums


def test_mean_and_deviation_per_channel_are_the_training_images(photos: Photos) -> None:
    rule = rule_from(_choice("mean_std"), photos)
    images = np.stack([photos.read(i) for i in range(COUNT)]).astype(np.float64)
    assert rule.mean == pytest.approx(images.mean(axis=(0, 1, 2)), abs=1e-4)
    assert rule.std == pytest.approx(images.std(axis=(0, 1, 2)), abs=1e-4)


def test_large_inputs_are_not_whitened(photos: Photos) -> None:
    choice = Input(size_px=64, normalise="pca_whitening")
    with pytest.raises(ConfigError, match="at most 4096 values per image, 64x64x3 has 12288"):
        front_from(choice, photos, rule_from(choice, photos))


def test_a_data_set_without_a_readable_image_is_told(photos: Photos) -> None:
    def broken(row: Row):  # type: ignore[no-untyped-def]
        raise ImageError(f"cannot decode {row.file}")

    with pytest.raises(DataError, match="none of the 600 training images can be read"):
        rule_from(_choice("mean_std"), Photos(photos.rows, photos.labels, broken))


def test_training_and_device_make_the_same_bits(photos: Photos) -> None:
    rule = rule_from(_choice("mean_std"), photos).model_copy(update={"width": 16, "height": 16})
    batches = ImageBatches(
        photos, InOrder(COUNT), Feeding(rule, 50, seed=0, workers=1, whole=True),
        unreadable=Unreadable(0.0, COUNT),
    )  # fmt: skip
    device = Preprocessor(rule, TensorSpec("image", (1, 16, 16, 3), "float32"))
    x, _ = batches[3]
    for place in range(50):
        assert np.array_equal(x[place], device(photos.read(150 + place))[0])
