"""Run a recipe from its data to a trained network and a report, in one folder."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edgecls.bundle.images import encode_jpeg
from edgecls.bundle.manifest import InputRule
from edgecls.errors import EdgeclsError
from edgecls.lab import checkpoint, devices, plots
from edgecls.lab.blending import check_start_share, keep_of_start
from edgecls.lab.building import network_from, resized
from edgecls.lab.checkpoint import Checkpoint, Progress, TrainingError
from edgecls.lab.contact_sheet import contact_sheet
from edgecls.lab.cost import macs_of
from edgecls.lab.dataset import Photos, dataset_from
from edgecls.lab.fit import Watcher
from edgecls.lab.full_precision import in_float32
from edgecls.lab.networks.network import Network
from edgecls.lab.phases import PhaseRunner, check_phases
from edgecls.lab.preprocessing import Front, front_from, rule_from
from edgecls.lab.pruning import check_prunable, images_for_pruning, prune_into
from edgecls.lab.recipe import Phase, Recipe
from edgecls.lab.run_folder import RunFolder
from edgecls.lab.scoring import Scored, scored
from edgecls.lab.unreadable import Unreadable
from edgecls.lab.weights import load_into

log = logging.getLogger(__name__)
MISTAKES_SHOWN = 40
SCORING_BATCH = 32


@dataclass(frozen=True, eq=False)
class Trained:
    """What a run leaves behind.

    Args:    model: image to logits.   report: the content of report.json.
    """

    folder: RunFolder
    model: keras.Model
    rule: InputRule
    labels: tuple[str, ...]
    report: Mapping[str, Any]  # Any: JSON


def train(
    recipe: Recipe, out: Path, *, watcher: Watcher, resume: bool = False,
    photos: Photos | None = None,
) -> Trained:  # fmt: skip
    """Train a network as the recipe says; with `resume`, go on where a run stopped.

    Args:    out: the run's folder, new or empty.   photos: instead of the recipe's data.
    Raises:  ConfigError, DataError, WeightsError before anything is trained; TrainingError and
             DataError on the way, after the last good weights were written.
    """
    folder = RunFolder(out)
    check_start_share(recipe.architecture)
    check_prunable(recipe)
    photos = dataset_from(recipe.data) if photos is None else photos
    folder.begin(recipe, resume=resume)
    resumed = checkpoint.load(folder.checkpoint) if resume else None
    facts = {
        "data_sha256": folder.describe_data(photos),
        "environment": folder.describe_environment(),
    }
    unreadable = Unreadable(recipe.data.unreadable_max, len(photos))
    training = photos.split("train")
    rule = rule_from(recipe.input, training)
    front = front_from(recipe.input, training, rule)
    progress = resumed.progress if resumed is not None else Progress()
    keras.utils.set_random_seed(recipe.training.seed)
    with devices.prepared(recipe.training.precision, recipe.training.gpus):
        network = _first_network(recipe, photos, front, progress.phase)
        check_phases(network, recipe.phases)
        runner = PhaseRunner(recipe, photos, rule, folder, watcher, unreadable)
        if resumed is None:
            _start(network, recipe, training, runner.rule_of(network), unreadable)
        network = _through_phases(runner, network, progress, resumed)
    model = in_float32(network.model)
    if share := recipe.architecture.start_share:
        keep_of_start(model, Path(recipe.architecture.weights), share)
    shutil.rmtree(folder.cache, ignore_errors=True)  # decoded squares, as large as the data
    report = _reported(folder, recipe, photos, model, rule, progress, unreadable, facts)
    return Trained(folder, model, rule, photos.labels, report)


def _first_network(recipe: Recipe, photos: Photos, front: Front | None, phase: int) -> Network:
    """Build the network of the phase that comes first."""
    size_px = recipe.phases[phase].size_px or recipe.input.size_px
    return network_from(
        recipe.architecture, size_px=size_px, classes=len(photos.labels), front=front
    )


def _start(
    network: Network, recipe: Recipe, photos: Photos, rule: InputRule, unreadable: Unreadable
) -> None:
    """Give a network the weights that the recipe starts from."""
    choice = recipe.architecture
    if not choice.prune_images:
        load_into(network, choice)
        return
    seen = images_for_pruning(
        photos, rule, count=choice.prune_images, seed=recipe.training.seed, unreadable=unreadable
    )
    prune_into(network, choice, seen, rule)


def _through_phases(
    runner: PhaseRunner, network: Network, progress: Progress, resumed: Checkpoint | None
) -> Network:
    recipe = runner.recipe
    for index in range(progress.phase, len(recipe.phases)):
        phase = recipe.phases[index]
        keras.utils.set_random_seed(recipe.training.seed + index)
        network = _at_size(recipe, network, phase)
        try:
            runner.run(network, phase, progress, resumed)
        except EdgeclsError:
            if progress.history:  # a broken run still hands over what was good
                with contextlib.suppress(TrainingError):
                    runner.folder.write_model(in_float32(network.model))
            raise
        resumed = None
        runner.folder.write_log(progress.history)
        if index + 1 < len(recipe.phases):
            _next_phase(progress, index + 1)
    return network


def _at_size(recipe: Recipe, network: Network, phase: Phase) -> Network:
    size_px = phase.size_px or recipe.input.size_px
    if int(network.model.input.shape[1]) == size_px:
        return network
    return resized(network, recipe.architecture, size_px)


def _next_phase(progress: Progress, index: int) -> None:
    fresh = Progress()
    progress.phase, progress.epoch, progress.done = index, 0, False
    progress.best_loss, progress.best_epoch = fresh.best_loss, 0
    progress.waited, progress.plateau = 0, fresh.plateau


def _reported(
    folder: RunFolder,
    recipe: Recipe,
    photos: Photos,
    model: keras.Model,
    rule: InputRule,
    progress: Progress,
    unreadable: Unreadable,
    facts: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Write the model, its figures and its pictures."""
    folder.write_model(model)
    splits = {}
    last: Scored | None = None
    for split in ("val", "test"):
        part = photos.split(split)
        if len(part):
            last = scored(model, part, rule, batch=SCORING_BATCH, unreadable=unreadable)
            splits[split] = {"n": len(last.indices), **last.as_json(slices=recipe.data.slices)}
    report = {
        "schema": 1,
        "recipe": recipe.name,
        "labels": list(photos.labels),
        "images": {s: len(photos.split(s)) for s in ("train", "val", "test")},
        "parameters": int(model.count_params()),
        "multiply_accumulates": macs_of(model),
        "epochs": len(progress.history),
        "training_s": round(progress.seconds, 1),
        "unreadable": {**progress.unreadable, **unreadable.names},
        "results": splits,
        **facts,
    }
    folder.write_handover(recipe.name, photos, rule)
    folder.write_report(report, rule)
    if progress.history:
        checkpoint.write(folder.path / "curves.png", plots.curves_png(progress.history))
    if last is not None:
        _draw(folder, last)
    return report


def _draw(folder: RunFolder, result: Scored) -> None:
    """Draw the confusion matrix, and the surest mistakes on one sheet."""
    labels = result.photos.labels
    title = f"{int(result.right.sum())} of {len(result.indices)} right"
    png = plots.confusion_png(result.confusion(), labels, title=title)
    checkpoint.write(folder.path / "confusion.png", png)
    worst = result.worst(MISTAKES_SHOWN)
    if not len(worst):
        return
    images, captions = [], []
    for place in worst:
        images.append(result.photos.read(int(result.indices[place])))
        said, truth = labels[result.answers[place]], labels[result.targets[place]]
        captions.append(f"{said} {np.max(result.scores[place]):.2f}, is {truth}")
    checkpoint.write(folder.path / "mistakes.jpg", encode_jpeg(contact_sheet(images, captions)))
