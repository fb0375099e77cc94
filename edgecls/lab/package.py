"""Pack a trained person net as a bundle: export, quantize, measure, write the manifest."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecls._lib.files import write_atomic
from edgecls.bundle.manifest import (
    SCHEMA,
    Accuracy,
    Decision,
    InputRule,
    Manifest,
    OutputRule,
    Provenance,
    Variant,
)
from edgecls.lab.answers import logits_from_onnx, logits_from_tflite
from edgecls.lab.architectures import classifier_of, person_mobilenet_v2
from edgecls.lab.batches import input_from_pixels
from edgecls.lab.data import (
    LABELS,
    Sample,
    person_input,
    samples_from_manifest,
    select,
    sha256_of,
    squares_from_samples,
)
from edgecls.lab.export import onnx_from_keras, tflite_from_keras
from edgecls.lab.quantize import onnx_int8_from_onnx, tflite_int8_from_keras
from edgecls.measure.intervals import wilson

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Answers = Callable[[bytes, Floats], Floats]
CALIBRATION_IMAGES = 400
CALIBRATION_SEED = 11
THRESHOLD = 0.5


@dataclass(frozen=True)
class Artefact:
    """One exported file, before it is measured."""

    name: str
    runtime: str
    precision: str
    recipe: str | None
    content: bytes
    answers: Answers


def calibration_set(samples: list[Sample], count: int, *, seed: int) -> list[Sample]:
    """Choose train photographs: both labels alike, families in turn, a fifth the darkest."""
    rng = np.random.default_rng(seed)
    train = select(samples, "train")
    dark = sorted(train, key=lambda s: float(s.row["mean_luma"]))[: count * 2]
    chosen = [dark[i] for i in rng.choice(len(dark), count // 5, replace=False)]
    for target in (0, 1):
        families = sorted({s.family for s in train if s.target == target})
        for turn in range((count - len(chosen)) // (2 - target)):
            family = families[turn % len(families)]
            members = [s for s in train if s.target == target and s.family == family]
            chosen.append(members[int(rng.integers(len(members)))])
    return chosen


def scaled(model: keras.Model, *, gain: float, shift: float) -> None:
    """Fold a calibration of the margin, gain * margin + shift, into the last layers, in place."""
    for name in ("from_mean", "from_peak"):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel * gain, bias * gain])
    kernel, bias = model.get_layer("from_mean").get_weights()
    model.get_layer("from_mean").set_weights([kernel, bias + np.array([-shift / 2, shift / 2])])


def artefacts_from_keras(model: keras.Model, calibration: Floats) -> list[Artefact]:
    """Export and quantize a classifier; in the order of preference."""
    floats = onnx_from_keras(model)
    onnx_int8 = onnx_int8_from_onnx(floats, calibration)
    on_tflite, on_onnx = (
        partial(logits_from_tflite, threads=2),
        partial(logits_from_onnx, threads=2),
    )
    return [
        Artefact(
            "tflite-int8",
            "tflite",
            "int8",
            "static_wi8_ai8",
            tflite_int8_from_keras(model, calibration),
            on_tflite,
        ),
        Artefact("tflite-float32", "tflite", "float32", None, tflite_from_keras(model), on_tflite),
        Artefact(
            "onnx-int8", "onnx", "int8", "static_wi8_au8", onnx_int8.SerializeToString(), on_onnx
        ),
        Artefact("onnx-float32", "onnx", "float32", None, floats.SerializeToString(), on_onnx),
    ]


def accuracy_of(margins: Floats, targets: npt.NDArray[Any], dataset_sha256: str) -> Accuracy:
    """Count right answers at THRESHOLD; margins are person logit minus no_person logit."""
    right = int(np.sum((margins >= 0.0) == (targets == 1)))  # a score at the threshold counts
    low, high = wilson(right, len(targets))
    return Accuracy(
        dataset="person test",
        dataset_sha256=dataset_sha256,
        metric="accuracy",
        value=round(right / len(targets), 4),
        n=len(targets),
        ci95=(round(low, 4), round(high, 4)),
        threshold=THRESHOLD,
    )


def write_bundle(
    classifier: keras.Model,
    rule: InputRule,
    samples: list[Sample],
    manifests: list[Path],
    *,
    name: str,
    version: str,
    out: Path,
    cache: Path,
    training: dict[str, Any],
) -> Manifest:
    """Write artefacts and manifest into `out`, measured on the first manifest's test split."""
    size_px = rule.width
    out.mkdir(parents=True, exist_ok=True)
    chosen = calibration_set(samples, CALIBRATION_IMAGES, seed=CALIBRATION_SEED)
    calibration = input_from_pixels(squares_from_samples(chosen, size_px, cache=cache), rule)
    test = select(samples, "test")
    images = input_from_pixels(squares_from_samples(test, size_px, cache=cache), rule)
    targets = np.array([s.target for s in test])
    variants = []
    for made in artefacts_from_keras(classifier, calibration):
        logits = made.answers(made.content, images)
        accuracy = accuracy_of(logits[:, 1] - logits[:, 0], targets, sha256_of(manifests[0]))
        log.info(
            "%s: %.4f of %d, %d bytes", made.name, accuracy.value, accuracy.n, len(made.content)
        )
        file = f"{name}-{made.precision}.{made.runtime}"
        write_atomic(out / file, made.content)
        variants.append(
            Variant(
                name=made.name,
                runtime=made.runtime,
                precision=made.precision,
                recipe=made.recipe,
                file=file,
                sha256=hashlib.sha256(made.content).hexdigest(),
                bytes=len(made.content),
                accuracy=accuracy,
            )
        )
    manifest = Manifest(
        schema_number=SCHEMA,
        name=name,
        version=version,
        input=rule,
        output=OutputRule(activation="softmax"),
        labels=LABELS,
        decision=Decision(label="person", threshold=THRESHOLD),
        variants=tuple(variants),
        provenance=Provenance(training=training, calibration=_calibration_facts(chosen)),
        license="Apache-2.0",
    )
    write_atomic(out / "manifest.json", manifest.as_bytes())
    return manifest


def _calibration_facts(chosen: list[Sample]) -> dict[str, Any]:
    hashes = sorted(hashlib.sha256(s.path.read_bytes()).hexdigest() for s in chosen)
    return {
        "images": len(chosen),
        "rule": "train split; both labels alike, families in turn, one fifth from the darkest",
        "seed": CALIBRATION_SEED,
        "images_sha256": hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
        "activations": "minimum and maximum",
    }


def main() -> None:
    """Pack from the command line: `python -m edgecls.lab.package --run RUN --manifest FILE ...`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="of the last phase")
    parser.add_argument("--facts", type=Path, required=True, help="JSON: how it was trained")
    parser.add_argument("--manifest", type=Path, action="append", required=True)
    parser.add_argument("--size-px", type=int, default=224)
    parser.add_argument("--gain", type=float, default=1.0)
    parser.add_argument("--shift", type=float, default=0.0)
    parser.add_argument("--name", default="doorbell-person")
    parser.add_argument("--bundle-version", default="0.1.0")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    samples = [s for manifest in options.manifest for s in samples_from_manifest(manifest)]
    model = person_mobilenet_v2(options.size_px)
    model.load_weights(str(options.weights))
    scaled(model, gain=options.gain, shift=options.shift)
    facts = json.loads(options.facts.read_text(encoding="utf-8"))
    facts |= {"margin_gain": options.gain, "margin_shift": options.shift}
    write_bundle(
        classifier_of(model),
        person_input(options.size_px),
        samples,
        options.manifest,
        name=options.name,
        version=options.bundle_version,
        out=options.out,
        cache=options.cache,
        training=facts,
    )


if __name__ == "__main__":
    main()
