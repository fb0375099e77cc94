"""Timing with a clock that the test turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from edgecls.measure import timing


class FakeClock:
    """Nanoseconds that move only when somebody works, and by one with every reading."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1
        return self.now

    def works(self, times_ms: Callable[[int], float]) -> timing.Action:
        def action(number: int) -> None:
            self.now += int(times_ms(number) * 1e6)

        return action


def test_warm_up_ends_when_three_windows_agree() -> None:
    clock = FakeClock()
    found = timing.warm_up(
        clock.works(lambda number: 5.0 if number < 45 else 2.0), limit_s=10, clock=clock
    )
    # the windows of runs 50 to 79 are the first three alike; before, 30 alike runs are stable too
    assert found.stable
    assert found.runs == 30
    falling = timing.warm_up(
        clock.works(lambda number: 10 * 0.98**number), limit_s=0.5, clock=clock
    )
    assert not falling.stable
    assert falling.seconds == pytest.approx(0.5, abs=0.01)


def test_warm_up_waits_for_a_slope_to_end() -> None:
    clock = FakeClock()
    found = timing.warm_up(
        clock.works(lambda number: max(1.0, 10 - number / 5)), limit_s=10, clock=clock
    )
    assert found.stable
    assert found.runs == 80  # flat from run 45 on: windows 50-59, 60-69, 70-79


def test_actions_take_turns_and_lose_their_first_call() -> None:
    clock, seen = FakeClock(), list[str]()

    def action(name: str, ms: float) -> timing.Action:
        work = clock.works(lambda number: ms)

        def run(number: int) -> None:
            seen.append(name)
            work(number)

        return run

    fast, slow = timing.take_turns([action("a", 10), action("b", 30)], duration_s=0.9, clock=clock)
    turns = "".join(name for i, name in enumerate(seen) if i == 0 or seen[i - 1] != name)
    assert turns == "ababa"[: len(turns)]  # a b, b a, a b: neighbours merge
    assert len(fast) == len(slow) >= 2
    assert np.concatenate(fast) == pytest.approx(10, abs=1e-3)
    assert np.concatenate(slow) == pytest.approx(30, abs=1e-3)
    counted = sum(len(block) for block in [*fast, *slow])
    assert len(seen) == counted + len(fast) + len(slow)
    assert all(len(block) >= timing.BLOCK_RUNS_MIN for block in [*fast, *slow])


def test_latency_tells_the_distribution() -> None:
    found = timing.latency_from_ms([*range(1, 100), 1000])
    assert (found.n, found.p50_ms, found.max_ms) == (100, 50.5, 1000)
    assert found.p90_ms == pytest.approx(90.1)
    assert found.images_per_s == pytest.approx(1000 / 59.5)
    assert found.quantiles_ms[[0, 100, 200]].tolist() == [1, 50.5, 1000]


def test_the_clock_costs_something_and_not_much() -> None:
    assert 0 <= timing.timer_overhead_ns() < 1e6
    clock: Sequence[int] = iter([0, 40] * 10)  # type: ignore[assignment]
    assert timing.timer_overhead_ns(clock=lambda: next(clock), runs=10) == 40  # type: ignore
