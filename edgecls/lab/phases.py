"""Prepare one phase of a run: which layers move, what feeds them, what they are trained for."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.errors import ConfigError
from edgecls.lab import fake_quant
from edgecls.lab.building import check_layer, freeze
from edgecls.lab.bundle_weights import is_bundle, settle_statistics
from edgecls.lab.checkpoint import Checkpoint, Progress
from edgecls.lab.dataset import Photos
from edgecls.lab.features import FeatureBatches, features_of
from edgecls.lab.fit import Batches, Fit, Watcher
from edgecls.lab.image_batches import Feeding, ImageBatches
from edgecls.lab.networks.network import Network
from edgecls.lab.objective import objective_of
from edgecls.lab.order import InOrder, Order, shares
from edgecls.lab.person_batches import (
    SQUARE_PX,
    HeatlessBatches,
    Judging,
    composer_from_photos,
    person_batches,
)
from edgecls.lab.recipe import Phase, Recipe
from edgecls.lab.run_folder import RunFolder
from edgecls.lab.schedules import optimizer_from
from edgecls.lab.stored_views import StoredViews, stored_views
from edgecls.lab.unreadable import Unreadable

SETTLING_BATCHES = 16
PHASE_SEEDS = 1000
"""Each phase's own seed is the recipe's times this, plus its number."""


@dataclass(frozen=True, eq=False)
class PhaseRunner:
    """What all phases of a run share."""

    recipe: Recipe
    photos: Photos
    rule: InputRule
    folder: RunFolder
    watcher: Watcher
    unreadable: Unreadable

    def run(
        self, network: Network, phase: Phase, progress: Progress, resumed: Checkpoint | None
    ) -> None:
        """Train `network` for one phase, in place; `check_phases` let it pass."""
        freeze(
            network, train=phase.train, batch_norm=phase.batch_norm,
            momentum=phase.batch_norm_momentum,
        )  # fmt: skip
        if phase.cached_views:
            self._run_on_features(network, phase, progress, resumed)
            return
        rule = self.rule_of(network)
        train, val = self._batches(network, phase, rule, progress.phase)
        if progress.phase == 0 and resumed is None:
            self._settle(network, phase, train)
        with _as_quantized(network, phase) as trained:
            objective = objective_of(
                trained, self.recipe.distillation,
                heat_weight=self.recipe.training.heat_weight, stored=bool(phase.stored_views),
            )  # fmt: skip
            steps = len(train)
            objective.model.compile(
                optimizer=optimizer_from(phase, steps=steps), **objective.compile
            )
            fit = Fit(
                phase, objective.model, trained.model, train, val, self.folder.checkpoint,
                self.watcher, self._logs(phase.name), self.unreadable,
            )  # fmt: skip
            fit.run(progress, resumed)

    def rule_of(self, network: Network) -> InputRule:
        """Return how an image is prepared for a network of this size."""
        size = int(network.model.input.shape[1])
        return self.rule.model_copy(update={"width": size, "height": size})

    def _seed(self, index: int) -> int:
        return self.recipe.training.seed * PHASE_SEEDS + index

    def _feeding(self, phase: Phase, rule: InputRule, index: int) -> Feeding:
        training = self.recipe.training
        return Feeding(
            rule=rule,
            batch=training.batch,
            seed=self._seed(index),
            workers=training.workers,
            augmentation=self.recipe.augmentation if phase.augment else None,
            smoothing=training.label_smoothing,
            class_weights=self._class_weights(),
            steps=phase.steps,
        )

    def _order(self, count: int, index: int) -> Order:
        data = self.recipe.data
        if not data.balance:
            return Order(count, seed=self._seed(index))
        rows = self.photos.split("train").rows
        drawn = shares(rows, data.balance, power=data.balance_power)
        return Order(count, seed=self._seed(index), probabilities=drawn)

    def _class_weights(self) -> npt.NDArray[np.float32] | None:
        """Return weights that give every class the same influence, mean 1 over the images."""
        if self.recipe.training.class_weights == "none":
            return None
        targets = self.photos.split("train").targets
        counts = np.bincount(targets, minlength=len(self.photos.labels))
        return (len(targets) / (len(counts) * np.maximum(counts, 1))).astype(np.float32)

    def _val(self, rule: InputRule) -> Feeding:
        training = self.recipe.training
        return Feeding(rule, training.batch, seed=0, workers=training.workers, whole=True)

    def _batches(
        self, network: Network, phase: Phase, rule: InputRule, index: int
    ) -> tuple[Batches, keras.utils.PyDataset]:
        train, val = self.photos.split("train"), self.photos.split("val")
        makes_heat = network.heat is not None
        if makes_heat != (self.recipe.data.composition == "persons"):
            raise ConfigError(
                f"architecture {self.recipe.architecture.name!r} and data.composition = "
                f"{self.recipe.data.composition!r} do not go together: person networks, and they "
                'alone, are trained with composition = "persons"'
            )
        validation = (HeatlessBatches if makes_heat else ImageBatches)(
            val, InOrder(len(val)), self._val(rule), unreadable=self.unreadable
        )
        if makes_heat:
            return self._persons(train, phase, self._feeding(phase, rule, index)), validation
        feeding = self._feeding(phase, rule, index)
        order = self._order(len(train), index)
        return ImageBatches(train, order, feeding, unreadable=self.unreadable), validation

    def _persons(self, train: Photos, phase: Phase, feeding: Feeding) -> Batches:
        """Feed views that are composed now, or that were stored with their teachers' answers."""
        cache, judging, distillation = (
            self.folder.cache, self._judging(), self.recipe.distillation
        )  # fmt: skip
        if not phase.stored_views or distillation is None:
            return person_batches(train, feeding=feeding, cache=cache, judging=judging)
        composer = composer_from_photos(
            train, size_px=SQUARE_PX, feeding=feeding, cache=cache, judging=judging
        )
        views = stored_views(
            composer, feeding, distillation.teachers, count=phase.stored_views, cache=cache
        )
        return StoredViews(
            views, feeding, steps=feeding.steps or len(views.labels) // feeding.batch
        )

    def _judging(self) -> Judging | None:
        data = self.recipe.data
        return None if data.judge is None else Judging(data.judge, data.judge_score_max)

    def _settle(self, network: Network, phase: Phase, batches: Batches) -> None:
        """Give BatchNorm statistics to learn with, where a bundle's weights came without."""
        if phase.batch_norm == "adapt" and is_bundle(Path(self.recipe.architecture.weights)):
            count = min(SETTLING_BATCHES, len(batches))
            settle_statistics(network.model, (batches[i][0] for i in range(count)))

    def _logs(self, phase: str) -> list[keras.callbacks.Callback]:
        """Log for TensorBoard where it is installed and the back end can write for it."""
        if keras.backend.backend() != "tensorflow" or not importlib.util.find_spec("tensorboard"):
            return []
        folder = self.folder.path / "tensorboard" / phase
        return [keras.callbacks.TensorBoard(str(folder), write_graph=False)]

    def _run_on_features(
        self, network: Network, phase: Phase, progress: Progress, resumed: Checkpoint | None
    ) -> None:
        """Compute the backbone's features once, then train the head on them."""
        rule, training = self.rule_of(network), self.recipe.training
        train, val = self.photos.split("train"), self.photos.split("val")
        backbone = keras.Model(network.model.input, network.features)
        sizes = dict.fromkeys(("train", "val"), 1) | {"train": phase.cached_views}
        stored = {}
        for name, photos in (("train", train), ("val", val)):
            feeding = (
                self._feeding(phase, rule, progress.phase) if name == "train" else self._val(rule)
            )
            batches = ImageBatches(
                photos, InOrder(len(photos)), _whole(feeding), unreadable=self.unreadable
            )
            file = self.folder.path / f"features-{name}.f32"
            stored[name] = features_of(
                backbone, batches, views=sizes[name], file=file, tell=self.watcher.features_done
            )
        seed = self._seed(progress.phase)
        order = self._order(len(train), progress.phase)
        head_train = FeatureBatches(
            stored["train"], order, batch=training.batch, seed=seed, whole=False,
            steps=phase.steps,
        )  # fmt: skip
        head_val = FeatureBatches(
            stored["val"], InOrder(len(val)), batch=training.batch, seed=seed, whole=True
        )
        head = keras.Model(network.features, network.model.output)
        head.compile(
            optimizer=optimizer_from(phase, steps=len(head_train)),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        fit = Fit(
            phase, head, network.model, head_train, head_val, self.folder.checkpoint,
            self.watcher, self._logs(phase.name), self.unreadable,
        )  # fmt: skip
        fit.run(progress, resumed)
        for name in stored:
            (self.folder.path / f"features-{name}.f32").unlink()


def check_phases(network: Network, phases: Sequence[Phase]) -> None:
    """Raise ConfigError for what would otherwise stop a run after hours, in a later phase."""
    for phase in phases:
        check_layer(network, phase.train)
        for option in ("cached_views", "fake_quant"):
            if getattr(phase, option) and network.heat is not None:
                raise ConfigError(f"{option} needs a network without a second target")


def _whole(feeding: Feeding) -> Feeding:
    return Feeding(
        rule=feeding.rule, batch=feeding.batch, seed=feeding.seed, workers=feeding.workers,
        augmentation=feeding.augmentation, smoothing=feeding.smoothing,
        class_weights=feeding.class_weights, whole=True,
    )  # fmt: skip


@contextmanager
def _as_quantized(network: Network, phase: Phase) -> Iterator[Network]:
    """Train a fake-quantized copy in place of the network, and copy its weights back, whatever
    happens."""
    if not phase.fake_quant:
        yield network
        return
    copy = fake_quant.with_fake_quant(network.model)
    try:
        yield Network(copy, None, network.features)
    finally:
        fake_quant.copy_weights(copy, network.model)
