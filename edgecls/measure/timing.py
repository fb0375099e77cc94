"""Time calls honestly: warm up until stable, take turns, keep blocks, tell the distribution."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Clock = Callable[[], int]
"""Returns nanoseconds; never goes back."""
Action = Callable[[int], object]
"""Does one piece of work on the input of that number."""
Floats = npt.NDArray[np.float64]

WINDOW_RUNS = 10
WINDOWS = 3
STABLE_WITHIN = 0.02
WARM_RUNS_MIN = 30
BLOCK_MS = 100.0
BLOCK_RUNS_MIN = 5
QUANTILES = tuple(step / 200 for step in range(201))

WARM_UP_RULE = (
    f"at least {WARM_RUNS_MIN} runs, then until the medians of the last {WINDOWS} windows of "
    f"{WINDOW_RUNS} runs lie within {STABLE_WITHIN:.0%}"
)


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How long it took to become stable; `stable` is False when time ran out first."""

    runs: int
    seconds: float
    stable: bool

    def as_json(self) -> dict[str, Any]:
        return {"runs": self.runs, "seconds": round(self.seconds, 3), "stable": self.stable}


@dataclass(frozen=True, slots=True, eq=False)
class Latency:
    """A distribution of times in milliseconds.

    Args:    quantiles_ms: at QUANTILES, from the fastest to the slowest call.
    """

    n: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    quantiles_ms: Floats

    @property
    def images_per_s(self) -> float:
        return 1000 / self.mean_ms

    def as_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            **{
                name: round(float(getattr(self, name)), 5)
                for name in ("mean_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms")
            },
            "images_per_s": round(self.images_per_s, 2),
        }


def latency_from_ms(times_ms: npt.ArrayLike) -> Latency:
    """Describe times; at least one."""
    times = np.asarray(times_ms, np.float64)
    p50, p90, p99 = np.quantile(times, [0.5, 0.9, 0.99])
    return Latency(
        len(times),
        float(times.mean()),
        float(p50),
        float(p90),
        float(p99),
        float(times.max()),
        np.quantile(times, QUANTILES),
    )


def timer_overhead_ns(*, clock: Clock = time.perf_counter_ns, runs: int = 1000) -> float:
    """Return what one pair of clock readings adds to a measured time (median)."""
    return float(np.median([-(clock() - clock()) for _ in range(runs)]))


def warm_up(action: Action, *, limit_s: float, clock: Clock = time.perf_counter_ns) -> WarmUp:
    """Repeat `action` by WARM_UP_RULE, for at most `limit_s`."""
    begun, times = clock(), list[int]()
    while True:
        before = clock()
        action(len(times))
        after = clock()
        times.append(after - before)
        seconds = (after - begun) / 1e9
        if len(times) >= WARM_RUNS_MIN and len(times) % WINDOW_RUNS == 0 and _stable(times):
            return WarmUp(len(times), seconds, stable=True)
        if seconds >= limit_s:
            return WarmUp(len(times), seconds, stable=False)


def _stable(times: Sequence[int]) -> bool:
    last = np.asarray(times[-WINDOWS * WINDOW_RUNS :]).reshape(WINDOWS, WINDOW_RUNS)
    medians = np.median(last, axis=1)
    return bool(medians.max() <= medians.min() * (1 + STABLE_WITHIN))


def take_turns(
    actions: Sequence[Action], *, duration_s: float, clock: Clock = time.perf_counter_ns
) -> list[list[Floats]]:
    """Time several actions side by side, in blocks and in alternating order.

    What disturbs the machine for longer than a block disturbs them all. The first call of each
    block, which finds the caches full of the other action, is not counted.

    Args:    duration_s: for all of them together.
    Returns: for each action its blocks, each the times of its calls in milliseconds.
    """
    blocks: list[list[Floats]] = [[] for _ in actions]
    begun, turn, number = clock(), 0, 0
    while (clock() - begun) / 1e9 < duration_s or turn < 2:
        order = range(len(actions)) if turn % 2 == 0 else range(len(actions) - 1, -1, -1)
        for place in order:
            action, times = actions[place], list[int]()
            action(number)
            opened = clock()
            while len(times) < BLOCK_RUNS_MIN or clock() - opened < BLOCK_MS * 1e6:
                number += 1
                before = clock()
                action(number)
                times.append(clock() - before)
            blocks[place].append(np.asarray(times) / 1e6)
        turn += 1
    return blocks
