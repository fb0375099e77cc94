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


def default_phases(steps: int, steps_224: int) -> tuple[Phase, ...]:
    """Return the shipped schedule for a budget of steps."""
    return (
        Phase("head", 160, 150, 3e-3, None),
        Phase("low", 160, steps, 5e-4, "block_3_expand"),
        Phase("door", 224, steps_224, 1e-4, "block_3_expand"),
    )


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


def main() -> None:
    """Train from the command line: `python -m edgecls.lab.train --manifest FILE --out RUN ...`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--manifest", type=Path, action="append", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--steps-224", type=int, default=300)
    parser.add_argument("--without", action="append", default=[])
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    recipe = Recipe(
        default_phases(options.steps, options.steps_224), without=tuple(options.without)
    )
    samples = [s for manifest in options.manifest for s in samples_from_manifest(manifest)]
    log.info("manifests: %s", {str(m): sha256_of(m) for m in options.manifest})
    train(recipe, samples, options.weights, out=options.out, cache=options.cache)


if __name__ == "__main__":
    main()
