"""Figures that were measured are written into the bundle, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls.bundle.open import open_bundle
from edgecls.errors import ConfigError
from edgecls.measure.dataset import load_dataset
from edgecls.measure.evaluate import evaluate_bundle
from edgecls.measure.record import check_recordable, record
from tests.unit.measure.conftest import FAKES, BundleMaker

ROWS = (
    ("float32-fake", "fake", "float32", 0.0),
    ("int8-fake", "fake", "int8", 0.05),
    ("int8-other", "other", "int8", 0.0),
)


def test_the_figures_are_in_the_manifest(make_bundle: BundleMaker, images: Path) -> None:
    bundle = make_bundle(*ROWS)
    data = load_dataset(images, ("dark", "bright"))
    found = evaluate_bundle(bundle, data, names=["int8-fake"], runtimes=FAKES)
    record(bundle, found)
    plain, biased, other = open_bundle(bundle.path).manifest.variants
    assert other.accuracy is None
    assert plain.accuracy is not None  # the reference is measured beside every variant
    assert plain.accuracy.value == 0.975
    assert biased.accuracy is not None
    assert (biased.accuracy.value, biased.accuracy.n) == (0.975, 40)
    assert biased.accuracy.dataset_sha256 == found.table.sha256
    low, high = biased.accuracy.ci95
    assert low < 0.975 < high


def test_one_file_is_refused(make_bundle: BundleMaker, images: Path, tmp_path: Path) -> None:
    bundle = make_bundle(*ROWS)
    data = load_dataset(images, ("dark", "bright"))
    found = evaluate_bundle(bundle, data, runtimes=FAKES)
    bundle.path = tmp_path / "one.edgecls"
    with pytest.raises(ConfigError, match="is one file"):
        record(bundle, found)
    with pytest.raises(ConfigError, match="is one file"):
        check_recordable(bundle)
