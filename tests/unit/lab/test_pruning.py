"""A narrow network that starts from a wide one says nearly the same."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")
pytest.importorskip("tf2onnx", reason="the lab extra is not installed")

from edgecls.bundle.manifest import InputRule  # noqa: E402
from edgecls.bundle.open import shipped_path  # noqa: E402
from edgecls.errors import ConfigError, ImageError  # noqa: E402
from edgecls.lab.building import network_from  # noqa: E402
from edgecls.lab.bundle_weights import (  # noqa: E402
    BundleWeightsError,
    layers_of_bundle,
    load_from_bundle,
    matched,
)
from edgecls.lab.cost import macs_of  # noqa: E402
from edgecls.lab.data import DataError  # noqa: E402
from edgecls.lab.dataset import Photos  # noqa: E402
from edgecls.lab.listing import Row  # noqa: E402
from edgecls.lab.preprocessing import rule_from  # noqa: E402
from edgecls.lab.pruning import (  # noqa: E402
    Pruning,
    check_prunable,
    chosen,
    images_for_pruning,
    prune_into,
)
from edgecls.lab.recipe import Architecture, Input, Recipe  # noqa: E402
from edgecls.lab.unreadable import Unreadable  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
SIZE_PX = 64
RULE = InputRule(width=SIZE_PX, height=SIZE_PX, mean=(127.5,) * 3, std=(127.5,) * 3)
SLIM = Architecture(name="person_mobilenet_v2_slim", weights=str(shipped_path()), prune_images=48)


def pictures(count: int, *, seed: int) -> np.ndarray:
    """Return smooth random pictures, (N, 64, 64, 3), -1 to 1."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(-1, 1, (count, 6, 6, 3)).astype(np.float32)
    size = (SIZE_PX, SIZE_PX)
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_CUBIC) for one in coarse])


def test_the_columns_that_matter_stay_and_carry_what_went() -> None:
    random = np.random.default_rng(1)
    matter = random.normal(0, 1, (500, 2)) @ np.array([[1.0, 0.3], [0.2, 1.0]]) + [2.0, -1.0]
    values = random.normal(0, 1, (500, 5))
    values[:, 3], values[:, 1] = matter[:, 0], matter[:, 1]
    values[:, 4] = values[:, 3] + values[:, 1]  # says nothing that the two do not
    target = matter @ np.array([[1.0, 0.0, 2.0], [0.0, -1.0, 1.0]]) + 5.0
    fit = chosen(values, target, 2, ridge=1e-9)
    assert len(set(fit.kept) - {1, 3, 4}) == 0
    assert np.allclose(values[:, fit.kept] @ fit.kernel + fit.bias, target, atol=1e-3)


def test_a_network_as_wide_as_the_other_says_the_same() -> None:
    wide = network_from(Architecture(name="person_mobilenet_v2"), size_px=SIZE_PX, classes=2).model
    load_from_bundle(wide, shipped_path())
    same = network_from(Architecture(name="person_mobilenet_v2"), size_px=SIZE_PX, classes=2).model
    pairs = matched(same, layers_of_bundle(shipped_path()), origin="")
    images = pictures(40, seed=2)
    Pruning(same, {layer.name: affine for layer, affine in pairs}, images).run()
    expected, received = (model.predict(images, verbose=0) for model in (wide, same))
    assert np.abs(received - expected).max() < 0.1 * expected.std()


def test_a_narrow_network_follows_and_fits_its_board() -> None:
    narrow = network_from(SLIM, size_px=SIZE_PX, classes=2)
    wide = network_from(Architecture(name="person_mobilenet_v2"), size_px=SIZE_PX, classes=2).model
    load_from_bundle(wide, shipped_path())
    images, others = pictures(256, seed=3), pictures(64, seed=4)
    prune_into(narrow, SLIM, images, RULE)
    answers = [np.diff(model.predict(others, verbose=0))[:, 0] for model in (wide, narrow.model)]
    assert np.corrcoef(answers)[0, 1] > 0.5
    at_128 = network_from(SLIM, size_px=128, classes=2).model
    assert macs_of(at_128) <= 15e6
    assert at_128.count_params() < 260_000


@pytest.mark.parametrize(
    ("changes", "normalise", "told"),
    [
        ({"name": "mobilenet_v2"}, "unit", "mobilenet_v2 cannot be made from a wider network"),
        ({"weights": "imagenet"}, "unit", "expected a bundle of person_mobilenet_v2"),
        ({"start_share": 0.5}, "unit", "no start_share, received .* and 0.5"),
        ({}, "mean_image", "behind mean_image cannot be pruned"),
    ],
)
def test_what_cannot_be_pruned_is_told(
    changes: dict[str, object], normalise: str, told: str
) -> None:
    recipe = Recipe.model_validate(
        {
            "name": "narrow",
            "data": {},
            "input": {"normalise": "unit"},
            "architecture": SLIM.model_dump(),
            "phases": [{"name": "only", "epochs": 1, "rate": 0.1}],
        }
    )
    check_prunable(recipe)
    wrong = {
        "architecture": SLIM.model_copy(update=changes),
        "input": Input.model_validate({"normalise": normalise}),
    }
    with pytest.raises(ConfigError, match=told):
        check_prunable(recipe.model_copy(update=wrong))


def test_a_wide_network_that_sees_otherwise_is_refused() -> None:
    narrow = network_from(SLIM, size_px=SIZE_PX, classes=2)
    bytes_rule = RULE.model_copy(update={"mean": (0.0,) * 3, "std": (255.0,) * 3})
    with pytest.raises(ConfigError, match="takes its images otherwise"):
        prune_into(narrow, SLIM, pictures(2, seed=1), bytes_rule)
    odd = network_from(SLIM, size_px=80, classes=2)
    with pytest.raises(ConfigError, match="in steps of 32 px, received 80"):
        prune_into(odd, SLIM, np.zeros((2, 80, 80, 3), np.float32), RULE)


def test_a_bundle_of_another_network_is_named() -> None:
    narrow = network_from(SLIM, size_px=SIZE_PX, classes=3)
    with pytest.raises(BundleWeightsError, match="does not fit person_mobilenet_v2"):
        prune_into(narrow, SLIM, pictures(4, seed=1), RULE)


def test_unreadable_pictures_are_counted_and_left_out() -> None:
    def read(row: Row) -> np.ndarray:
        if row.file in broken:
            raise ImageError(f"{row.file} is broken")
        return np.full((20, 20, 3), 40 * int(row.file), np.uint8)

    names = [str(number) for number in range(6)]
    rows = tuple(Row(Path(name), name, "a", "train") for name in names)
    photos = Photos(rows, ("a", "b"), read)
    rule = rule_from(Input(size_px=32), photos)
    broken = {"1"}
    unreadable = Unreadable(0.5, 6)
    found = images_for_pruning(photos, rule, count=9, seed=1, unreadable=unreadable)
    assert found.shape == (5, 32, 32, 3)
    assert list(unreadable.names) == ["1"]
    broken = set(names)
    with pytest.raises(DataError, match="none of 6 images is readable"):
        images_for_pruning(photos, rule, count=6, seed=1, unreadable=Unreadable(1, 6))
