"""Run one phase of training: checkpoints, best weights, early stopping, a stop at NaN.

Every decision depends on numbers that the checkpoint holds, so a run that was killed and resumed
ends where an unbroken one ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from edgecls.lab import checkpoint
from edgecls.lab.checkpoint import Checkpoint, Progress, TrainingError
from edgecls.lab.objective import without_output_names
from edgecls.lab.recipe import Phase
from edgecls.lab.schedules import Plateau, warming
from edgecls.lab.unreadable import Unreadable

Arrays = list[np.ndarray[Any, Any]]  # Any: weights and seeds have their own dtypes
GAIN_MIN = 1e-4
"""A validation loss counts as better when it is lower by more than this."""


class Batches(Protocol):
    """What feeds a phase: a keras PyDataset that knows its epoch."""

    failure: Any  # Any: DataError | None, set by a thread

    def start_epoch(self, epoch: int) -> None: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...  # Any: images and targets as Keras takes them


class Watcher(Protocol):
    """Whoever looks on: the command line, or a test."""

    def phase_started(self, name: str, *, epochs: int, steps: int, epoch: int) -> None: ...

    def features_done(self, batches: int, total: int) -> None: ...

    def step_done(self, step: int, loss: float) -> None: ...

    def epoch_done(self, record: Mapping[str, float | int | str]) -> None: ...


@dataclass(frozen=True, eq=False)
class Fit:
    """One phase, ready to run.

    Args:    model: compiled.   tracked: the network's own model, whose weights are kept; it shares
             its layers with `model`.
             checkpoint: file of the run's state.   callbacks: further Keras callbacks.
             unreadable: images that the checkpoint has to remember.
    """

    phase: Phase
    model: keras.Model
    tracked: keras.Model
    train: Batches
    val: keras.utils.PyDataset
    checkpoint: Path
    watcher: Watcher
    callbacks: Sequence[keras.callbacks.Callback] = ()
    unreadable: Unreadable | None = None

    def run(self, progress: Progress, resumed: Checkpoint | None) -> None:
        """Train until the phase ends; the tracked model then has the chosen weights.

        Args:    progress: changed in place, epoch by epoch.
                 resumed: the checkpoint in the middle of this phase, or None.
        Raises:  TrainingError at a NaN or a full disk; DataError from the batches. The tracked
                 model then has the last good weights.
        """
        self.model.optimizer.build(self.model.trainable_variables)
        keeper = _Keeper(self, progress)
        if resumed is not None:
            checkpoint.restore(resumed.model, state_of(self.tracked))
            checkpoint.restore(resumed.optimizer, self.model.optimizer.variables)
            keeper.chosen = resumed.best
        if not progress.done:
            self.watcher.phase_started(
                self.phase.name, epochs=self.phase.epochs, steps=len(self.train),
                epoch=progress.epoch,
            )  # fmt: skip
            self._fit(keeper, progress)
        if keeper.chosen:
            self.tracked.set_weights(keeper.chosen)

    def _fit(self, keeper: _Keeper, progress: Progress) -> None:
        swap = [keras.callbacks.SwapEMAWeights()] if self.phase.ema is not None else []
        try:
            self.model.fit(
                self.train,
                validation_data=self.val,
                epochs=self.phase.epochs,
                initial_epoch=progress.epoch,
                shuffle=False,
                verbose=0,
                # the keeper looks at the averaged weights before they are swapped back
                callbacks=[keeper, *swap, *self.callbacks],
            )
        except Exception as error:
            failure = self.train.failure or getattr(self.val, "failure", None)
            self._give_back(keeper)
            if failure is not None and not isinstance(error, TrainingError):
                raise failure from error
            raise
        if keeper.failure is not None:
            self._give_back(keeper)
            raise keeper.failure

    def _give_back(self, keeper: _Keeper) -> None:
        self.tracked.set_weights(keeper.chosen or keeper.before)


class _Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Watch the loss, choose weights, save the state, decide when to stop."""

    def __init__(self, fit: Fit, progress: Progress) -> None:
        super().__init__()
        self._fit, self._progress = fit, progress
        self.chosen: Arrays = []
        self.before: Arrays = fit.tracked.get_weights()
        self.failure: TrainingError | None = None
        self._plateau = Plateau(patience=fit.phase.plateau_epochs, factor=fit.phase.plateau_factor)
        self._plateau.best, self._plateau.waited, self._plateau.drops = progress.plateau
        self._began_s, self._step = 0.0, 0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        del logs
        self._fit.train.start_epoch(epoch)
        self._began_s = time.monotonic()

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        del logs
        rate = self._warming(self._progress.epoch, batch)
        if rate is not None:
            getattr(self.model, "jax_state_sync", lambda: None)()  # else JAX keeps the old rate
            self.model.optimizer.learning_rate = rate

    def _warming(self, epoch: int, batch: int) -> float | None:
        steps = len(self._fit.train)
        return warming(self._fit.phase, step=epoch * steps + batch, steps=steps)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        loss = float(logs["loss"])
        self._step = batch + 1
        if math.isfinite(loss):
            self._fit.watcher.step_done(self._step, loss)
        elif self.failure is None:
            self._stop_at_nan(f"step {self._step} of epoch {self._progress.epoch + 1}")

    def on_test_end(self, logs: Mapping[str, float]) -> None:
        loss = float(logs["loss"])
        if self.failure is None and not math.isfinite(loss):
            self._stop_at_nan(f"the validation of epoch {self._progress.epoch + 1}")
        if self.failure is not None:
            return
        progress = self._progress
        if loss < progress.best_loss - GAIN_MIN:
            progress.best_loss, progress.waited = loss, 0
            progress.best_epoch = progress.epoch + 1
            better = True
        else:
            progress.waited += 1
            better = False
        if better or self._fit.phase.keep == "last":
            self.chosen = self._fit.tracked.get_weights()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.failure is not None:
            return
        phase, progress = self._fit.phase, self._progress
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if phase.schedule == "plateau" and self._warming(epoch + 1, 0) is None:
            factor = self._plateau.factor_after(logs["val_loss"])
            if factor != 1.0:
                self.model.optimizer.learning_rate = rate * factor
            progress.plateau = (self._plateau.best, self._plateau.waited, self._plateau.drops)
        progress.epoch = epoch + 1
        progress.seconds += time.monotonic() - self._began_s
        progress.history.append(
            {
                "phase": phase.name,
                "epoch": progress.epoch,
                **without_output_names(logs),
                "rate": rate,
                "seconds": round(time.monotonic() - self._began_s, 3),
            }
        )
        patient = phase.stop_after_epochs is None or progress.waited < phase.stop_after_epochs
        progress.done = progress.epoch >= phase.epochs or not patient
        self.model.stop_training = progress.done
        self.save()
        self._fit.watcher.epoch_done(progress.history[-1])

    def save(self) -> None:
        if self._fit.unreadable is not None:
            self._progress.unreadable |= self._fit.unreadable.names
        checkpoint.save(
            self._fit.checkpoint,
            self._progress,
            state_of(self._fit.tracked),
            self.model.optimizer.variables,
            best=self.chosen,
        )

    def _stop_at_nan(self, where: str) -> None:
        phase, best = self._fit.phase, self._progress.best_epoch
        kept = f"those of epoch {best}" if self.chosen else "those from before the phase"
        self.failure = TrainingError(
            f"the loss is not a number any more in phase {phase.name!r}, {where}; "
            f"the last good weights are kept, {kept}",
            hint=f"lower the rate (now {phase.rate:g}), add warmup_epochs, or lower clip_norm",
        )
        self.model.stop_training = True


def state_of(model: keras.Model) -> list[keras.Variable]:
    """Return all that training changes in a network: weights, and the seeds of its dropout."""
    weights = list(model.weights)
    known = {id(variable) for variable in weights}
    seeds = [v for v in model.variables if id(v) not in known and "seed_generator" in v.path]
    return weights + seeds
