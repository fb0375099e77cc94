"""Train the person net in phases: head, low resolution, then the door's resolution."""

from __future__ import annotations

import argparse
import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecls.lab.architectures import freeze_below, heat_loss, person_mobilenet_v2, resized
from edgecls.lab.batches import ViewBatches, input_from_pixels
from edgecls.lab.beside import Judge, windows_beside
from edgecls.lab.compose import Composer
from edgecls.lab.data import (
    Sample,
    samples_from_manifest,
    select,
    sha256_of,
    squares_from_samples,
)
from edgecls.lab.views import Window

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
LOW, DOOR = "low.weights.h5", "door.weights.h5"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Phase:
    """One stretch of training: resolution, what may move, steps and peak learning rate."""

    name: str
    size_px: int
    steps: int
    rate: float
    trainable_from: str | None
    plain: bool = False


@dataclass(frozen=True)
class Recipe:
    """All that decides the weights, together with the data."""

    phases: tuple[Phase, ...]
    batch: int = 64
    seed: int = 20
    smoothing: float = 0.06
    weight_decay: float = 0.02
    ema: float = 0.997
    heat_weight: float = 0.5
    without: tuple[str, ...] = ()


def first_round(steps: int, steps_224: int, *, without: tuple[str, ...]) -> Recipe:
    """Start from ImageNet: a new head, then the net; families left out play the new camera."""
    phases = (
        Phase("head", 160, 100, 3e-3, None),
        Phase("low", 160, steps, 5e-4, "block_3_expand"),
        Phase("door", 224, steps_224, 1e-4, "block_3_expand"),
    )
    return Recipe(phases, without=without)


def second_round(steps: int, steps_224: int) -> Recipe:
    """Go on from the first round with every family, and with windows that its net has judged."""
    phases = (
        Phase("low", 160, steps, 4e-4, "block_3_expand"),
        Phase("door", 224, steps_224, 1.5e-4, "block_3_expand"),
    )
    return Recipe(phases, seed=33, ema=0.99)


def train(
    recipe: Recipe,
    samples: list[Sample],
    weights: Path | None,
    *,
    out: Path,
    cache: Path,
    start: Path | None = None,
    judge: Judge | None = None,
) -> keras.Model:
    """Run every phase, write the weights after each into `out`, return the last net."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1))
    keras.utils.set_random_seed(recipe.seed)
    data = select(samples, "train", without=recipe.without)
    pixels = squares_from_samples(data, 224, cache=cache)
    model = person_mobilenet_v2(recipe.phases[0].size_px, weights=weights)
    if start is not None:
        model.load_weights(str(start))
    beside = None if judge is None else beside_persons(data, pixels, judge, seed=recipe.seed)
    if beside is not None:
        log.info("windows beside persons: %d", sum(map(len, beside.values())))
    for number, phase in enumerate(recipe.phases):
        if model.input.shape[1] != phase.size_px:
            model = resized(model, phase.size_px)
        composer = Composer(data, pixels, size_px=phase.size_px, plain=phase.plain, beside=beside)
        began = time.monotonic()
        fit(model, phase, replace(recipe, seed=recipe.seed + number), composer)
        model.save_weights(str(out / f"{phase.name}.weights.h5"))
        log.info("phase %s took %.0f s", phase.name, time.monotonic() - began)
    return model


def beside_persons(
    data: list[Sample], pixels: Pixels, judge: Judge, *, seed: int
) -> dict[int, list[Window]]:
    """Collect three judged person-free windows for each person photograph with room."""
    boxes = {i: sample.boxes for i, sample in enumerate(data) if len(sample.boxes)}
    return windows_beside(pixels, boxes, judge, size_px=160, per_image=3, seed=seed)


def fit(model: keras.Model, phase: Phase, recipe: Recipe, composer: Composer) -> None:
    """Train one phase with AdamW, a warm-up into a cosine, and averaged weights at the end."""
    freeze_below(model, phase.trainable_from)
    warm_up = min(100, phase.steps // 5)
    rate = keras.optimizers.schedules.CosineDecay(
        phase.rate / 20,
        phase.steps - warm_up,
        alpha=0.01,
        warmup_target=phase.rate,
        warmup_steps=warm_up,
    )
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=recipe.weight_decay,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=recipe.ema,
    )
    model.compile(
        optimizer=optimizer,
        loss={"logits": keras.losses.CategoricalCrossentropy(from_logits=True), "heat": heat_loss},
        loss_weights={"logits": 1.0, "heat": recipe.heat_weight},
        metrics={"logits": ["accuracy"]},
    )
    epochs = max(1, round(phase.steps / 100))
    per_epoch = max(1, phase.steps // epochs)
    batches = ViewBatches(
        composer, batch=recipe.batch, steps=per_epoch, seed=recipe.seed, smoothing=recipe.smoothing
    )
    model.fit(batches, epochs=epochs, verbose=2)


def margins_of(model: keras.Model, pixels: Pixels, *, batch: int = 64) -> Floats:
    """Return the person logit minus the no_person logit of stretched squares, shape (n,)."""
    parts = []
    for start in range(0, len(pixels), batch):
        logits = model.predict_on_batch(
            input_from_pixels(np.asarray(pixels[start : start + batch]))
        )["logits"]
        parts.append(np.asarray(logits)[:, 1] - np.asarray(logits)[:, 0])
    return np.concatenate(parts)


def judge_from_weights(weights: Path, *, threshold: float) -> Judge:
    """Let an earlier round's 160-pixel net judge squares; above 0 it sees somebody."""
    model = person_mobilenet_v2(160)
    model.load_weights(str(weights))
    return lambda squares: margins_of(model, squares) - np.float32(threshold)


def main() -> None:
    """Train from the command line: `python -m edgecls.lab.train --manifest FILE --out RUN ...`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--manifest", type=Path, action="append", required=True)
    parser.add_argument("--weights", type=Path, help="ImageNet weights, for the first round")
    parser.add_argument("--first", type=Path, help="run folder of the first round, for the second")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--steps-224", type=int, required=True)
    parser.add_argument("--without", action="append", default=[], help="families, first round")
    parser.add_argument("--judge-threshold", type=float, default=2.3, help="margin, second round")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    samples = [s for manifest in options.manifest for s in samples_from_manifest(manifest)]
    log.info("manifests: %s", {str(m): sha256_of(m) for m in options.manifest})
    if options.first is None:
        without = tuple(options.without)
        recipe, start, judge = (
            first_round(options.steps, options.steps_224, without=without),
            None,
            None,
        )
    else:
        recipe, start = second_round(options.steps, options.steps_224), options.first / DOOR
        judge = judge_from_weights(options.first / LOW, threshold=options.judge_threshold)
    train(
        recipe,
        samples,
        options.weights,
        out=options.out,
        cache=options.cache,
        start=start,
        judge=judge,
    )


if __name__ == "__main__":
    main()
