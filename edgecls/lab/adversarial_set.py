"""Write adversarial pictures as a folder that `edgecls evaluate` reads where there is no Keras."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import numpy.typing as npt

from edgecls._lib.files import write_atomic
from edgecls.bundle.images import read_image
from edgecls.bundle.manifest import InputRule
from edgecls.bundle.open import Bundle
from edgecls.bundle.preprocess import resized
from edgecls.bundle.scores import Scorer
from edgecls.classifier import Classifier
from edgecls.errors import ConfigError, ImageError
from edgecls.lab.adversarial import ascended, fgsm, shaken, starts
from edgecls.lab.building import network_from
from edgecls.lab.bundle_weights import load_from_bundle
from edgecls.lab.gradients import PixelGradients
from edgecls.lab.quantization.float_graphs import load_keras
from edgecls.lab.recipe_file import load as load_recipe
from edgecls.measure.adversarial import MADE, MANIFEST, PATTERNS, SCHEMA
from edgecls.measure.dataset import Dataset, Sample
from edgecls.measure.scores import Report
from edgecls.types import Pixels, TensorSpec

Bytes = npt.NDArray[np.uint8]
SEED = 5
BATCH = 8
EPSILONS = (1, 2, 4, 8)
APART_MAX = 0.01
"""Scores of the net and of the bundle's float file: more apart, and it is another net."""


@dataclass(frozen=True)
class Written:
    """What was written: the folder, pictures attacked, forms of each, and patterns."""

    out: Path
    images: int
    attacks: tuple[str, ...]
    patterns: int
    unreadable: tuple[Path, ...]


def net_for_gradients(model: Path, bundle: Bundle) -> keras.Model:
    """Load a .keras file; or build what a recipe names, with the weights of the bundle.

    Raises:  ConfigError for another kind of file, or a net that is not the bundle's;
             CalibrationError for a damaged file; BundleWeightsError.
    """
    if model.suffix == ".keras":
        net = load_keras(model)
    elif model.suffix in (".toml", ".json"):
        recipe = load_recipe(model)
        manifest = bundle.manifest
        built = network_from(
            recipe.architecture, size_px=manifest.input.width, classes=len(manifest.labels)
        )
        load_from_bundle(built.model, bundle.path)
        net = built.model
    else:
        raise ConfigError(
            f"{model}: expected a .keras file, or the recipe that the bundle was trained by; "
            "gradients cannot be had from other files"
        )
    return net


def write_adversarial(
    net: keras.Model,
    bundle: Bundle,
    dataset: Dataset,
    out: Path,
    *,
    epsilons: Sequence[int] = EPSILONS,
    patterns: int = 16,
    report: Report | None = None,
) -> Written:
    """Attack every picture once per epsilon, and make patterns of nothing.

    Beside the attacked ones stand the same pictures untouched, and shaken by chance by the largest
    epsilon. All have the model's size, as PNG, so that no resizing or JPEG comes in between.

    Raises:  ConfigError when `out` exists or the net is not the bundle's; ImageError when no
             picture can be read.
    """
    if out.exists():
        raise ConfigError(f"{out} exists already", hint="delete it first, or choose another name")
    gradients = PixelGradients(net, bundle.manifest)
    _check_same_net(gradients, bundle, dataset.samples)
    rule, labels = bundle.manifest.input, bundle.manifest.labels
    random = np.random.default_rng(SEED)
    rows: list[tuple[str, str, str, str]] = []
    unreadable: list[Path] = []
    done = 0
    for batch in _batches(dataset.samples, rule, unreadable):
        pixels = np.stack([image for _, image in batch])
        truth = np.array([labels.index(sample.label) for sample, _ in batch], np.int64)
        slope = gradients.slope(pixels.astype(np.float32), truth)
        for place, (sample, image) in enumerate(batch):
            forms = {"none": image, f"chance-{max(epsilons)}": shaken(image, max(epsilons), random)}
            for epsilon in epsilons:
                forms[f"fgsm-{epsilon}"] = fgsm(image, slope[place], epsilon)
            for attack, form in forms.items():
                name = f"{attack}/{done:05d}.png"
                _write_png(out / name, form, rule)
                rows.append((name, sample.label, attack, sample.path.name))
            done += 1
        if report:
            report("attacks", done, len(dataset.samples))
    if not rows:
        raise ImageError(f"none of {len(dataset.samples)} pictures could be read")
    told = bundle.manifest.decision.label if bundle.manifest.decision else None
    made = _write_patterns(out, gradients, rule, labels.index(told), patterns) if told else 0
    _write_tables(out, rows, bundle, epsilons, made)
    return Written(out, done, tuple(dict.fromkeys(row[2] for row in rows)), made, tuple(unreadable))


def _first_readable(samples: Sequence[Sample]) -> tuple[Sample, Pixels]:
    for sample in samples:
        with contextlib.suppress(ImageError):
            return sample, read_image(sample.path)
    raise ImageError(f"none of {len(samples)} pictures could be read")


def _check_same_net(gradients: PixelGradients, bundle: Bundle, samples: Sequence[Sample]) -> None:
    """Compare the net's scores with those of the bundle's float file, where it has one."""
    floats = [item.name for item in bundle.manifest.variants if item.precision == "float32"]
    if not floats:
        return
    manifest = bundle.manifest
    sample, picture = _first_readable(samples)
    output = gradients.outputs(resized(picture, manifest.input))
    scorer = Scorer(
        manifest.output, manifest.labels, TensorSpec("net", (1, len(output)), "float32")
    )
    own = scorer(output)
    with Classifier(bundle, variant=floats[0]) as classifier:
        theirs = list(classifier.classify(picture).scores.values())
    apart = max(abs(one - other) for one, other in zip(own, theirs, strict=True))
    if apart > APART_MAX:
        raise ConfigError(
            f"the net is not the one in {bundle.path}: scores of {sample.path.name} differ by "
            f"{apart:.3f}, expected at most {APART_MAX:g}",
            hint="give the .keras file that the bundle was made from",
        )


def _batches(
    samples: Sequence[Sample], rule: InputRule, unreadable: list[Path]
) -> Iterator[list[tuple[Sample, Bytes]]]:
    batch: list[tuple[Sample, Bytes]] = []
    for sample in samples:
        try:
            batch.append((sample, resized(read_image(sample.path), rule)))
        except ImageError:
            unreadable.append(sample.path)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_patterns(
    out: Path, gradients: PixelGradients, rule: InputRule, label: int, count: int
) -> int:
    shape = (rule.height, rule.width, rule.channels)
    begin = starts(count, shape, np.random.default_rng(SEED))
    for number in range(0, count, BATCH):
        made = ascended(begin[number : number + BATCH], gradients.slope, label)
        for place, pattern in enumerate(made, start=number):
            _write_png(out / PATTERNS / f"{place:03d}.png", pattern, rule)
    return count


def _write_tables(
    out: Path,
    rows: Sequence[tuple[str, str, str, str]],
    bundle: Bundle,
    epsilons: Sequence[int],
    patterns: int,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "label", "attack", "source"))
    writer.writerows(rows)
    write_atomic(out / MANIFEST, text.getvalue().encode())
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "bundle": {"name": bundle.manifest.name, "version": bundle.manifest.version},
        "labels": list(bundle.manifest.labels),
        "epsilons": list(epsilons),
        "patterns": patterns,
        "seed": SEED,
    }
    write_atomic(out / MADE, json.dumps(told, indent=2).encode() + b"\n")


TO_BGR: dict[str, Callable[[Bytes], Bytes]] = {
    "rgb": lambda image: np.ascontiguousarray(image[:, :, ::-1]),
    "bgr": lambda image: image,
    "grey": lambda image: np.repeat(image, 3, axis=2),
}


def _write_png(path: Path, image: Bytes, rule: InputRule) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(".png", TO_BGR[rule.color](image))
    path.write_bytes(data.tobytes())
