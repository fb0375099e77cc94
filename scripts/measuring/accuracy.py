"""Accuracy of the shipped variants and of MLPerf Tiny's person model, on the same photographs."""

from __future__ import annotations

import csv
import hashlib
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from edgecls.bundle.images import read_image
from edgecls.bundle.manifest import Decision, InputRule, Manifest, OutputRule, Variant
from edgecls.bundle.open import Bundle, open_bundle
from edgecls.classifier import Classifier
from edgecls.measure.dataset import Dataset, load_dataset
from edgecls.measure.intervals import Estimate, paired_difference, proportion
from edgecls.measure.metrics import metrics_from_answers
from edgecls.measure.scores import ScoreTable, score_table
from scripts.measuring.machine import ROOT
from scripts.measuring.runnable import runnable_variants
from scripts.measuring.section import NotMeasured, Section, table

DATA = ROOT.parent / "shared" / "data"
REFERENCE = DATA / "reference_models" / "vww_96_int8.tflite"
LABELS = ("no_person", "person")


def measure() -> Section:
    """Evaluate each variant at its bundle's threshold; give n, intervals and confusion."""
    manifest_csv = DATA / "person" / "manifest.csv"
    if not manifest_csv.exists():
        raise NotMeasured("the test photographs (data/person) are not on this machine")
    if not REFERENCE.exists():
        raise NotMeasured("the reference model (data/reference_models) is not on this machine")
    data = load_dataset(manifest_csv, LABELS, split="test", skip_labels=("depiction",))
    ours, small = open_bundle(), open_bundle(Path("doorbell-person-tiny"))
    with tempfile.TemporaryDirectory() as folder:
        theirs = _reference_bundle(Path(folder))
        tables = [(bundle, _scores(bundle, data)) for bundle in (ours, small, theirs)]
        fooled = _depictions_called_person(ours, manifest_csv)
    reference = next(iter(tables[-1][1].answers.values()))
    rows, confusions = [], []
    for bundle, scores in tables:
        manifest, told = bundle.manifest, bundle.manifest.decision
        for name, answers in scores.answers.items():
            found = metrics_from_answers(manifest.labels, scores.truth, answers)
            right = _words(scores, answers.called) == _truth(scores)
            right_reference = _words(tables[-1][1], reference.called) == _truth(scores)
            gained = int((right & ~right_reference).sum())
            lost = int((~right & right_reference).sum())
            versus = (
                _signed(paired_difference(gained, lost, found.n))
                if bundle is not theirs
                else "reference"
            )
            size = next(v.bytes for v in manifest.variants if v.name == name)
            rows.append(
                [
                    f"{manifest.name} {manifest.version}, {name}",
                    f"{size / 1e6:.2f} MB",
                    f"{told.threshold:.2f}" if told else "highest score",
                    _percent(found.accuracy),
                    _percent(found.balanced_accuracy),
                    str(found.n),
                    versus,
                ]
            )
            confusions.append([rows[-1][0], *_confusion(manifest.labels, found.confusion)])
    figures = table(
        ["model", "file", "threshold", "accuracy", "balanced", "n", "accuracy − reference"], rows
    )
    counts = table(
        ["model", "person as person", "person missed", "nobody as nobody", "false alarm"],
        confusions,
    )
    text = (
        f"{data.name}: {len(data.samples)} photographs, "
        f"{sum(data.skipped.values())} depictions left out; every image stretched to the model's "
        "size. Square brackets: 95 % intervals, Wilson's for accuracies, Tango's for differences "
        "on the same photographs (percentage points).\n\n"
        f"{figures}\n\n{counts}\n\n"
        f"Depictions of people (statues, posters, dolls, screens) called person: {fooled}.\n\n"
        "The test photographs come from the same sources as part of the training photographs: at a "
        "door that the model has never seen, expect less."
    )
    return Section("Accuracy", text)


def _reference_bundle(folder: Path) -> Bundle:
    """Wrap MLPerf Tiny's visual wake words model; it ends in a softmax, output 1 is person."""
    model = REFERENCE.read_bytes()
    (folder / REFERENCE.name).write_bytes(model)
    manifest = Manifest(
        name="mlperf-tiny-vww-96",
        version="1",
        input=InputRule(width=96, height=96, mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0)),
        output=OutputRule(activation="none"),
        labels=LABELS,
        decision=Decision(label="person", threshold=0.5),
        variants=(
            Variant(
                name="tflite-int8",
                runtime="tflite",
                precision="int8",
                file=REFERENCE.name,
                sha256=hashlib.sha256(model).hexdigest(),
                bytes=len(model),
            ),
        ),
    )
    (folder / "manifest.json").write_bytes(manifest.as_bytes())
    return open_bundle(folder)


def _scores(bundle: Bundle, data: Dataset) -> ScoreTable:
    with ExitStack() as stack:
        classifiers = {
            variant.name: stack.enter_context(Classifier(bundle, variant=variant.name)).classify
            for variant in runnable_variants(bundle)
        }
        return score_table(bundle.manifest, classifiers, data.samples)


def _depictions_called_person(bundle: Bundle, manifest_csv: Path) -> str:
    """Count, over all splits: depictions are in neither class, and nobody trained on them."""
    with manifest_csv.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "depiction"]
    with Classifier(bundle) as classifier:
        answers = [
            classifier.classify(read_image(manifest_csv.parent / row["file"])) for row in rows
        ]
        called = sum(answer.label == "person" for answer in answers)
        found = proportion(called, len(rows))
        return f"{called} of {len(rows)}, {_percent(found)} ({classifier.variant.name})"


def _words(scores: ScoreTable, places: np.ndarray) -> np.ndarray:
    return np.array(scores.labels)[places]


def _truth(scores: ScoreTable) -> np.ndarray:
    return _words(scores, scores.truth)


def _confusion(labels: tuple[str, ...], confusion: np.ndarray) -> list[str]:
    person, nobody = labels.index("person"), labels.index("no_person")
    cells = ((person, person), (person, nobody), (nobody, nobody), (nobody, person))
    return [str(confusion[truth, call]) for truth, call in cells]


def _percent(estimate: Estimate | None) -> str:
    if estimate is None:
        return "none"
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:.2f} % [{low:.2f}, {high:.2f}]"


def _signed(estimate: Estimate) -> str:
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:+.2f} [{low:+.2f}, {high:+.2f}]"
