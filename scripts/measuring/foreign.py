"""MLPerf Tiny's person model as others trained and quantized it: our figures beside a bare loop."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

from edgecls.bundle.open import Bundle, open_bundle
from edgecls.cli.main import run
from edgecls.measure.benchmark import Plan, benchmark
from edgecls.measure.dataset import load_dataset
from edgecls.measure.evaluate import evaluate_bundle
from edgecls.measure.machine import Machine
from edgecls.measure.ratio import ratio_of_rounds
from scripts.measuring.accuracy import DATA
from scripts.measuring.section import NotMeasured, Section, table
from scripts.measuring.words import percent, points, times
from tests.bare_loop import bare_calls

TITLE = "Models made by others"
MODELS = DATA / "reference_models"
FILES = {"float32": "vww_96_float.tflite", "int8": "vww_96_int8.tflite"}
DURATION_S, ROUNDS = 4.0, 5


def measure() -> Section:
    """Make a bundle of the two files, evaluate and time it, and count where a bare loop differs."""
    manifest_csv = DATA / "person" / "manifest.csv"
    if not manifest_csv.exists() or not all((MODELS / name).exists() for name in FILES.values()):
        raise NotMeasured("the reference models or the test photographs are not on this machine")
    with tempfile.TemporaryDirectory() as folder:
        bundle = _bundle(Path(folder) / "vww")
        data = load_dataset(
            manifest_csv, bundle.manifest.labels, split="test", skip_labels=("depiction",)
        )
        found = evaluate_bundle(bundle, data)
        plan = Plan(duration_s=DURATION_S, rounds=ROUNDS, images=DATA / "person" / "test")
        timed = benchmark(bundle, plan, machine=Machine(), report=lambda *_: None)
    images = [sample.path for sample in found.table.samples]
    times_of = {item.name: item for item in timed.configurations}
    rows = []
    for item in found.variants:
        name, precision = item.variant.name, item.variant.precision
        called = found.table.answers[name].called.tolist()
        bare = bare_calls(MODELS / FILES[precision], images)
        same = sum(a == b for a, b in zip(called, bare, strict=True))
        timing = times_of[name]
        rows.append(
            [
                FILES[precision],
                percent(item.metrics.accuracy),
                points(item.against.accuracy) if item.against else "reference",
                f"{same} of {len(images)}",
                f"{timing.latency.p50_ms:.3f} ms",
                times(timing.overhead) if timing.overhead else "",
            ]
        )
    head = ["file", "accuracy", "against float", "same label as the bare loop", "p50",
            "ours / bare"]  # fmt: skip
    by_precision = {item.precision: item.block_medians() for item in timed.configurations}
    gain = ratio_of_rounds(by_precision["int8"], by_precision["float32"])
    doubts = sorted({w for item in timed.configurations for w in item.warnings})
    text = [
        "MLPerf Tiny's visual wake words model (MobileNetV1-0.25, 96x96), through `edgecls bundle "
        f"create`, on {found.dataset.name}, n = {len(images)}; its int8 file was quantized by its "
        "authors. The bare loop is in tests/bare_loop.py and shares no code with edgecls.",
        table(head, rows),
        f"float takes {times(gain)} times as long as int8 here."
        + (f" Doubts about these times: {'; '.join(doubts)}." if doubts else ""),
    ]
    return Section(TITLE, "\n\n".join(text))


def _bundle(out: Path) -> Bundle:
    words = ["bundle", "create", str(out), "--label", "no_person", "--label", "person"]
    words += ["--mean", "0", "--std", "255", "--decision", "person"]
    for name in FILES.values():
        words += ["--file", str(MODELS / name)]
    with contextlib.redirect_stdout(io.StringIO()):
        code = run(words)
    if code:
        raise RuntimeError(f"edgecls bundle create ended with {code}")
    return open_bundle(out)
