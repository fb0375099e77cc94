"""What /healthz means: fresh frames, a model that answers right, a store that takes visits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HealthState:
    """Whether all is well. Args: reasons: what is not, one line each; empty when all is."""

    reasons: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.reasons


class Health:
    """Ask each part how it is. Cheap, no inference, no disk; may be asked from any thread.

    Args:    ages_s: age of the newest judged frame of each camera, None before its first.
             limits_s: age from which on a camera's picture is stale.
             model_problem: what is wrong with the model's answers (see golden.py), or None.
             store_problem: why visits cannot be stored, or None.
    """

    def __init__(
        self,
        *,
        ages_s: Callable[[], Mapping[str, float | None]],
        limits_s: Mapping[str, float],
        model_problem: Callable[[], str | None],
        store_problem: Callable[[], str | None],
    ) -> None:
        self._ages_s = ages_s
        self._limits_s = limits_s
        self._model_problem = model_problem
        self._store_problem = store_problem

    def state(self) -> HealthState:
        """Return what is wrong this moment."""
        reasons = [
            _stale(camera, age_s, self._limits_s[camera])
            for camera, age_s in self._ages_s().items()
            if age_s is None or age_s > self._limits_s[camera]
        ]
        problems = (self._model_problem(), self._store_problem())
        return HealthState((*reasons, *(problem for problem in problems if problem)))


def _stale(camera: str, age_s: float | None, limit_s: float) -> str:
    if age_s is None:
        return f"camera {camera}: no frame yet"
    return f"camera {camera}: newest frame is {age_s:.0f} s old, expected at most {limit_s:g} s"
