"""Models made by others: our figures are those of a loop that shares no code with us."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from edgecls.bundle.open import open_bundle
from edgecls.cli.main import run
from edgecls.measure.dataset import load_dataset
from edgecls.measure.evaluate import evaluate_bundle
from tests.bare_loop import bare_calls

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
MODELS = SHARED / "reference_models"
TABLE = SHARED / "person" / "manifest.csv"
LIMIT = 200

pytestmark = pytest.mark.skipif(
    not (MODELS.is_dir() and TABLE.is_file()), reason="the data of other projects is not here"
)


def test_reference_models_agree_with_a_bare_loop_to_the_last_image(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    words = ["bundle", "create", str(tmp_path / "vww"), "--label", "no_person", "--label", "person"]
    words += ["--mean", "0", "--std", "255", "--decision", "person"]
    for name in ("vww_96_float", "vww_96_int8"):
        words += ["--file", str(MODELS / f"{name}.tflite")]
    assert run(words) == 0
    bundle = open_bundle(tmp_path / "vww")
    data = load_dataset(
        TABLE, bundle.manifest.labels, split="test", skip_labels=["depiction"], limit=LIMIT
    )
    found = evaluate_bundle(bundle, data)
    images = [sample.path for sample in data.samples]
    files = {item.precision: item.name for item in bundle.manifest.variants}
    for precision, name in (("float32", "vww_96_float"), ("int8", "vww_96_int8")):
        ours = found.table.answers[files[precision]].called.tolist()
        assert ours == bare_calls(MODELS / f"{name}.tflite", images)
    with TABLE.open(newline="") as file:
        told = {row["file"]: row["label"] for row in csv.DictReader(file)}
    truth = [told[str(path.relative_to(TABLE.parent))] == "person" for path in images]
    right = sum(a == b for a, b in zip(ours, truth, strict=True))
    assert found.variants[-1].metrics.accuracy.value == pytest.approx(right / len(truth))
