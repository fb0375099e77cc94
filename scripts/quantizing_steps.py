"""Measure what every step of quantizing gives back: python -m scripts.quantizing_steps DATA

DATA is the folder that holds person/manifest.csv. The net is the shipped one, rebuilt from its
float ONNX file; with --onnx that file itself is quantized, for ONNX Runtime alone, without the
steps that work on Keras layers, which is much quicker. The table is printed for docs/quantizing.md;
with --out the bundle is kept, so that `edgecls evaluate` shows the same figures.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from edgecls.bundle.manifest import Manifest, Variant
from edgecls.bundle.open import open_bundle, shipped_path
from edgecls.bundle.write import write_bundle
from edgecls.lab.building import network_from
from edgecls.lab.bundle_weights import load_from_bundle
from edgecls.lab.quantization.calibration_set import CalibrationSet, load_calibration_set, select
from edgecls.lab.quantization.manifest import manifest_from_artefacts
from edgecls.lab.quantization.pipeline import calibrated, sources
from edgecls.lab.quantization.search import Graph
from edgecls.lab.recipe import Architecture
from edgecls.measure.dataset import load_dataset
from edgecls.measure.evaluate import Evaluation, evaluate_bundle
from edgecls.measure.report.words import percent, plain, points

ROOT = Path(__file__).resolve().parents[1]
CALIBRATION = ROOT / "calibration" / "doorbell-person.toml"
RUNTIMES = ("tflite", "onnx")
FOLDED = Graph()


@dataclass(frozen=True)
class Step:
    """One row of the table."""

    words: str
    weights: str = "per_channel"
    method: str = "mse"
    graph: Graph = FOLDED


STEPS = (
    Step("one scale per weight tensor, min-max: the naive way", "per_tensor", "minmax"),
    Step("a scale per channel, min-max", method="minmax"),
    Step("a scale per channel, mse: **the default**"),
    Step("... bias correction", graph=Graph(bias=True)),
    Step("... learned rounding and bias correction", graph=Graph(bias=True, adaround=True)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=200, help="to calibrate on")
    parser.add_argument("--limit", type=int, help="of the test images; all of them if not given")
    parser.add_argument("--out", type=Path, help="keep the bundle here")
    parser.add_argument("--onnx", action="store_true", help="quantize the ONNX file as it is")
    options = parser.parse_args()
    wanted = load_calibration_set(CALIBRATION)
    fewer = wanted.selection.model_copy(update={"count": options.images})
    wanted = wanted.model_copy(update={"selection": fewer})
    test = load_dataset(
        options.data / "person" / "manifest.csv",
        wanted.labels,
        split="test",
        skip_labels=wanted.source.skip_labels,
        limit=options.limit,
    )
    with tempfile.TemporaryDirectory() as folder:
        model, steps, runtimes = Path(folder, "person.keras"), STEPS, RUNTIMES
        if options.onnx:
            model, runtimes = shipped_onnx(), ("onnx",)
            steps = tuple(replace(step, graph=Graph(())) for step in STEPS if step.graph == FOLDED)
        else:
            shipped_net().save(model)
        out = options.out or Path(folder, "steps")
        write(model, wanted, options.data, out, steps=steps, runtimes=runtimes)
        found = evaluate_bundle(open_bundle(out), test, report=_progress)
        print(table(found, steps, runtimes))


def shipped_onnx() -> Path:
    """Return the float ONNX file of the bundle that ships."""
    wanted = ("onnx", "float32")
    variants = open_bundle(None).manifest.variants
    return shipped_path() / next(v.file for v in variants if (v.runtime, v.precision) == wanted)


def shipped_net() -> keras.Model:
    """Return the person net with the weights of the bundle that ships."""
    built = network_from(Architecture(name="person_mobilenet_v2"), size_px=224, classes=2)
    load_from_bundle(built.model, shipped_path())
    return built.model


def write(
    model: Path,
    wanted: CalibrationSet,
    data: Path,
    out: Path,
    *,
    steps: Sequence[Step],
    runtimes: Sequence[str],
) -> None:
    """Quantize in the way of every step, into one bundle: variants "tflite-1", "onnx-1", ..."""
    selected = select(wanted, data)
    files: dict[str, bytes] = {}
    variants: list[Variant] = []
    described: Manifest | None = None
    for graph in dict.fromkeys(step.graph for step in steps):
        print(f"calibrating the graph: {graph.words}", file=sys.stderr)
        recording = calibrated(
            model, wanted, selected, graph.steps, bias=graph.bias, adaround=graph.adaround
        )
        made_from = sources(model, recording)
        if described is None:
            plain = made_from.artefacts(["float32"], "mse")
            described = manifest_from_artefacts(
                plain, wanted, recording, name="quantizing-steps", version="1", model=model,
                method="every",
            )  # fmt: skip
            files.update({item.name + item.suffix: item.data for item in plain})
        for number, step in enumerate(steps, start=1):
            if step.graph != graph:
                continue
            made = made_from.artefacts(["static_wi8_ai8"], step.method, weights=step.weights)
            for item in made:
                if item.runtime in runtimes:
                    name = f"{item.runtime}-{number}"
                    files[name + item.suffix] = item.data
                    variants.append(_variant(name, item.runtime, item.suffix, item.data))
    assert described is not None
    ordered = sorted(variants, key=lambda item: item.name)
    whole = described.model_copy(update={"variants": (*described.variants, *ordered)})
    write_bundle(whole, files, out)


def _variant(name: str, runtime: str, suffix: str, data: bytes) -> Variant:
    return Variant(
        name=name,
        runtime=runtime,
        precision="int8",
        file=name + suffix,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
    )


def table(found: Evaluation, steps: Sequence[Step], runtimes: Sequence[str]) -> str:
    """Return the Markdown rows, a line for each step."""
    return "\n".join(_lines(found, steps, runtimes))


def _lines(found: Evaluation, steps: Sequence[Step], runtimes: Sequence[str]) -> Iterator[str]:
    by_name = {item.variant.name: item for item in found.variants}
    reference = by_name[found.reference or ""]
    yield f"n = {reference.metrics.n}; float32: {percent(reference.metrics.accuracy)} %"
    yield ""
    heads = [f"{runtime} {what}" for runtime in runtimes for what in ("pp", "scores apart")]
    yield "| step | " + " | ".join(heads) + " |"
    yield "| --- |" + " --- |" * len(heads)
    for number, step in enumerate(steps, start=1):
        cells = []
        for runtime in runtimes:
            against = by_name[f"{runtime}-{number}"].against
            assert against is not None
            cells += [points(against.accuracy), plain(against.score_mean, digits=4)]
        yield f"| {step.words} | " + " | ".join(cells) + " |"


def _progress(what: str, done: int, total: int) -> None:
    if done % 100 == 0:
        print(f"{what}: {done} of {total}", file=sys.stderr)


if __name__ == "__main__":
    main()
