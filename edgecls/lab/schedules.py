"""Make a phase's optimizer and the course of its learning rate."""

from __future__ import annotations

from typing import Any

import keras

from edgecls.lab.recipe import Phase

WARMUP_START = 1 / 20
COSINE_END = 0.01


def optimizer_from(phase: Phase, *, steps: int) -> keras.optimizers.Optimizer:
    """Return a new optimizer for one phase.

    Args:    steps: batches per epoch.
    """
    rate = rate_from(phase, steps=steps)
    shared = {
        "global_clipnorm": phase.clip_norm or None,
        "use_ema": phase.ema is not None,
        "ema_momentum": phase.ema if phase.ema is not None else 0.99,
    }
    if phase.optimizer == "sgd":
        return keras.optimizers.SGD(
            rate, momentum=phase.momentum, nesterov=phase.momentum > 0,
            weight_decay=phase.weight_decay or None, **shared,
        )  # fmt: skip
    if phase.optimizer == "adam":
        return keras.optimizers.Adam(rate, **shared)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=phase.weight_decay, **shared)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def rate_from(phase: Phase, *, steps: int) -> Any:  # Any: a number, or a Keras schedule
    """Return the learning rate as a function of the step, or as a number that callbacks change."""
    warmup = round(phase.warmup_epochs * steps)
    if phase.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            phase.rate * WARMUP_START if warmup else phase.rate,
            max(1, phase.epochs * steps - warmup),
            alpha=COSINE_END,
            warmup_target=phase.rate if warmup else None,
            warmup_steps=warmup,
        )
    if warmup and phase.schedule == "constant":
        return keras.optimizers.schedules.PolynomialDecay(
            phase.rate * WARMUP_START, warmup, end_learning_rate=phase.rate
        )
    return phase.rate


def warming(phase: Phase, *, step: int, steps: int) -> float | None:
    """Return a step's rate while a plateau schedule warms up, whose rate is a number; else None.

    Args:    step: since the phase began, from 0.   steps: batches per epoch.
    """
    warmup = round(phase.warmup_epochs * steps)
    if phase.schedule != "plateau" or not warmup or step > warmup:
        return None
    return phase.rate * (WARMUP_START + (1 - WARMUP_START) * step / warmup)


class Plateau:
    """Lower the rate when the validation loss stops falling. Its state is plain numbers."""

    def __init__(self, *, patience: int, factor: float) -> None:
        self._patience, self._factor = patience, factor
        self.best, self.waited, self.drops = float("inf"), 0, 0

    def factor_after(self, loss: float) -> float:
        """Return what to multiply the rate with after an epoch that ended with `loss`."""
        if loss < self.best:
            self.best, self.waited = loss, 0
            return 1.0
        self.waited += 1
        if self.waited < self._patience:
            return 1.0
        self.waited, self.drops = 0, self.drops + 1
        return self._factor
