"""Evaluation of a bundle whose answers are known: brightness plus a bias per variant."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecls.errors import ConfigError, ImageError, MissingDependencyError
from edgecls.measure import intervals
from edgecls.measure.dataset import load_dataset, thinned
from edgecls.measure.evaluate import Evaluation, evaluate, evaluate_bundle
from edgecls.measure.gate import Gate
from tests.unit.measure.conftest import FAKES, BundleMaker

LABELS = ("dark", "bright")
ROWS = (
    ("float32-fake", "fake", "float32", 0.0),
    ("int8-fake", "fake", "int8", 0.05),
    ("int8-other", "other", "int8", 0.0),
)


def _evaluate(make_bundle: BundleMaker, images: Path, **options: object) -> Evaluation:
    bundle = make_bundle(*ROWS)
    data = load_dataset(images, LABELS)
    return evaluate_bundle(bundle, data, runtimes=FAKES, **options)  # type: ignore[arg-type]


def test_counts_are_those_of_the_brightness(make_bundle: BundleMaker, images: Path) -> None:
    found = _evaluate(make_bundle, images)
    plain, biased, _ = found.variants
    # called bright from 127.5 on, truly bright from 120 on: level 123 is missed
    assert plain.metrics.confusion.tolist() == [[20, 0], [1, 19]]
    # the bias calls bright from 114.75 on: level 117 is a false alarm, 123 is right
    assert biased.metrics.confusion.tolist() == [[19, 1], [0, 20]]
    label = biased.metrics.per_label[1]
    assert label.precision is not None
    assert label.precision.value == pytest.approx(20 / 21)
    assert label.roc_area is not None
    assert label.roc_area.value == 1.0


def test_differences_are_paired(make_bundle: BundleMaker, images: Path) -> None:
    found = _evaluate(make_bundle, images)
    against = found.variants[1].against
    assert found.reference == "float32-fake"
    assert found.variants[0].against is None
    assert against is not None
    assert (against.gained, against.lost, against.p_value) == (1, 1, 1.0)
    assert against.agreement.value == pytest.approx(38 / 40)
    assert against.score_max == pytest.approx(0.05, abs=1e-6)  # float32 scores
    assert [flip.file.name for flip in against.flips] == ["19.png", "20.png"]
    assert against.flips[0].truth == "dark"
    assert against.flips[0].label == "bright"


def test_runtimes_of_one_precision_are_compared(make_bundle: BundleMaker, images: Path) -> None:
    found = _evaluate(make_bundle, images)
    assert [(item.reference, item.variant) for item in found.agreement] == [
        ("int8-fake", "int8-other")
    ]


def test_every_figure_of_the_json_has_n_and_interval(
    make_bundle: BundleMaker, images: Path
) -> None:
    found = _evaluate(
        make_bundle, images, slice_columns=None, robustness_images=4, max_drop_pp=10.0
    ).as_json()
    text = json.dumps(found, allow_nan=False)

    def values(node: object) -> list[dict[str, object]]:
        if isinstance(node, dict):
            mine = [node] if "value" in node and "column" not in node else []
            return mine + [item for child in node.values() for item in values(child)]
        return [item for child in node for item in values(child)] if isinstance(node, list) else []

    estimates = values(json.loads(text))
    assert len(estimates) > 100
    assert all({"n", "ci95"} <= set(item) for item in estimates)


def test_slices_count_their_own_images(make_bundle: BundleMaker, images: Path) -> None:
    found = _evaluate(make_bundle, images, slice_columns=["room"])
    hall = next(item for item in found.slices if item.value == "hall")
    assert hall.n == 20
    assert hall.accuracy["float32-fake"].value == 1.0
    assert hall.against["int8-fake"].value == pytest.approx(-1 / 20)


def test_gate_asks_for_the_whole_interval_or_the_difference(
    make_bundle: BundleMaker, images: Path
) -> None:
    strict = _evaluate(make_bundle, images, max_drop_pp=1.0)
    assert strict.exit_code == 1
    assert strict.gate is not None
    assert strict.gate.reasons[0].startswith(
        "int8-fake may lose more than 1 pp: difference +0.00 pp, 95 % interval -"
    )
    assert strict.gate.reasons[0].endswith("n = 40")
    assert _evaluate(make_bundle, images, max_drop_pp=1.0, gate_rule="point").exit_code == 0
    with pytest.raises(ConfigError, match="expected one of bound, point"):
        _evaluate(make_bundle, images, max_drop_pp=1.0, gate_rule="mean")


def test_a_gate_without_a_float_variant_is_refused(make_bundle: BundleMaker, images: Path) -> None:
    bundle = make_bundle(ROWS[1])
    with pytest.raises(ConfigError, match="no float32 variant"):
        evaluate_bundle(bundle, load_dataset(images, LABELS), runtimes=FAKES, max_drop_pp=1.0)
    alone = evaluate_bundle(bundle, load_dataset(images, LABELS), runtimes=FAKES)
    assert alone.reference is None
    assert alone.variants[0].against is None


def test_a_gate_with_nothing_to_hold_is_not_met(make_bundle: BundleMaker, images: Path) -> None:
    found = _evaluate(make_bundle, images, names=["float32-fake"], max_drop_pp=100.0)
    assert found.exit_code == 1
    assert found.gate is not None
    assert found.gate.reasons == ("no variant ran here beside the one that it is measured against",)


def test_a_loss_as_large_as_the_budget_is_inside_it(make_bundle: BundleMaker, images: Path) -> None:
    against = _evaluate(make_bundle, images).variants[1].against
    assert against is not None
    lost = replace(against, accuracy=intervals.paired_difference(0, 7, 1000))
    assert Gate(0.7, "point", (lost,)).passed
    assert not Gate(0.69, "point", (lost,)).passed


def test_only_readable_images_are_spoiled(make_bundle: BundleMaker, images: Path) -> None:
    data = load_dataset(images, LABELS)
    first = {thinned(data.samples, 2)[place].path for place in (0, 1)}
    for path in first:
        path.write_bytes(b"not an image")
    found = _evaluate(make_bundle, images, unreadable_max=2, robustness_images=2)
    assert {item.n for item in found.spoiled} == {2}


def test_one_named_variant_brings_its_reference_along(
    make_bundle: BundleMaker, images: Path
) -> None:
    found = _evaluate(make_bundle, images, names=["int8-other"])
    assert [item.variant.name for item in found.variants] == ["float32-fake", "int8-other"]
    with pytest.raises(ConfigError) as caught:
        _evaluate(make_bundle, images, names=["int8-fak"])
    assert caught.value.hint == "did you mean 'int8-fake'?"
    with pytest.raises(ConfigError, match="has no variant 'int8-fak'"):
        _evaluate(make_bundle, images, reference="int8-fak")


def test_a_missing_runtime_is_told_or_refused(make_bundle: BundleMaker, images: Path) -> None:
    bundle = make_bundle(*ROWS, ("int8-absent", "absent", "int8", 0.0))
    data = load_dataset(images, LABELS)
    found = evaluate_bundle(bundle, data, runtimes=FAKES)
    assert "edgecls_has_no_such_module" in found.not_measured["int8-absent"]
    with pytest.raises(MissingDependencyError):
        evaluate_bundle(bundle, data, runtimes=FAKES, names=["int8-absent"])
    with pytest.raises(MissingDependencyError):
        evaluate_bundle(bundle, data, runtimes=FAKES, reference="int8-absent")


def test_unreadable_images_are_named_counted_and_limited(
    make_bundle: BundleMaker, images: Path
) -> None:
    (images.parent / "07.png").write_bytes(b"not an image")
    with pytest.raises(ImageError, match=r"1 unreadable images, at most 0 allowed: .*07\.png"):
        _evaluate(make_bundle, images)
    found = _evaluate(make_bundle, images, unreadable_max=1, slice_columns=["room"])
    assert found.variants[0].metrics.n == 39
    assert [path.name for path, _ in found.table.unreadable] == ["07.png"]
    assert sum(item.n for item in found.slices) == 39


def test_the_hash_of_a_set_is_of_its_content(make_bundle: BundleMaker, images: Path) -> None:
    first = _evaluate(make_bundle, images).table.sha256
    lines = images.read_text().splitlines()
    images.write_text("\n".join([lines[0], *reversed(lines[1:])]))
    assert _evaluate(make_bundle, images).table.sha256 == first
    images.write_text(images.read_text().replace("00.png,dark", "00.png,bright"))
    assert _evaluate(make_bundle, images).table.sha256 != first


def test_one_variant_alone_has_the_same_figures(
    make_bundle: BundleMaker, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgecls import runtimes

    monkeypatch.setitem(runtimes.RUNTIMES, "fake", FAKES["fake"])
    found = evaluate(make_bundle(*ROWS), "float32-fake", load_dataset(images, LABELS).samples)
    assert found.n == 40
    assert found.accuracy.value == pytest.approx(39 / 40)
    assert found.ci95[0] < 39 / 40 < found.ci95[1]
    assert np.trace(found.confusion) == 39
