"""What a benchmark found: pooled over its rounds, with every doubt about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

import numpy as np

from edgecls.measure.machine import Device, State
from edgecls.measure.ratio import Ratio, Rounds, centre_of_rounds, ratio_of_pairs, ratio_of_rounds
from edgecls.measure.timing import WARM_UP_RULE, Latency, latency_from_ms

BUSY_CPUS = 0.2
"""Other programs that use more than so many CPUs are told."""
HEAT = "throttled by heat"
SLOWER = 1.05
"""Later rounds that take more than so many times as long as the first are told."""


@dataclass(frozen=True, slots=True)
class Round:
    """One fresh process: its answer, and the machine before and after it."""

    answer: Mapping[str, Any]
    before: State
    after: State
    elapsed_s: float

    @property
    def others_cpus(self) -> float | None:
        """Return how many CPUs other programs kept busy meanwhile."""
        if self.before.busy_s is None or self.after.busy_s is None or self.elapsed_s <= 0:
            return None
        own = float(self.answer["cpu_s"])
        return max(0.0, (self.after.busy_s - self.before.busy_s - own) / self.elapsed_s)

    @property
    def strains(self) -> tuple[str, ...] | None:
        """Return what held the clock down at its begin, its end or between; None if nobody tells.

        Boards remember since their start what there was, so that a strain that has come and gone
        between the two is noticed the first time.
        """
        counts = self.before.throttle_count, self.after.throttle_count
        hot = counts[0] is not None and counts[1] is not None and counts[1] > counts[0]
        before, after = self.before.strain, self.after.strain
        if before is None or after is None:
            return (HEAT,) if hot else () if counts[1] is not None else None
        new = (word for word in after.since_boot if word not in before.since_boot)
        return tuple(dict.fromkeys([*before.now, *after.now, *new, *([HEAT] if hot else [])]))

    @property
    def throttled(self) -> bool | None:
        """Tell whether heat or voltage held the clock down; None where the board cannot tell."""
        return None if self.strains is None else bool(self.strains)


@dataclass(frozen=True, eq=False)
class Configuration:
    """One variant with one thread count.

    Args:    foreign: a file without a bundle: its bare interpreter was timed, and nothing else.
    """

    name: str
    runtime: str
    precision: str | None
    threads: int
    size_bytes: int
    foreign: bool
    rounds: tuple[Round, ...]

    @cached_property
    def latency(self) -> Latency:
        return latency_from_ms(np.concatenate([self._pooled(r, "blocks") for r in self.rounds]))

    @cached_property
    def bare(self) -> Latency | None:
        """Return the distribution of the bare interpreter loop beside ours."""
        if self.foreign:
            return None
        return latency_from_ms(
            np.concatenate([self._pooled(r, "bare_blocks") for r in self.rounds])
        )

    @cached_property
    def overhead(self) -> Ratio | None:
        """Return ours over bare, of the medians of neighbouring blocks."""
        if self.foreign:
            return None
        return ratio_of_pairs(self.block_medians("bare_blocks"), self.block_medians("blocks"))

    @cached_property
    def p50_range_ms(self) -> tuple[float, float]:
        """Return the 95 % interval of the median, over processes."""
        _, low, high = centre_of_rounds(self.block_medians())
        return min(low, self.latency.p50_ms), max(high, self.latency.p50_ms)

    def block_medians(self, key: str = "blocks") -> Rounds:
        return [np.array([median(block) for block in r.answer[key]]) for r in self.rounds]

    @cached_property
    def stages(self) -> dict[str, Latency]:
        """Return the steps from a JPEG to the decision."""
        if self.foreign:
            return {}
        return {
            name: latency_from_ms(np.concatenate([r.answer["stages"][name] for r in self.rounds]))
            for name in self.rounds[0].answer["stages"]
        }

    def middle(self, key: str) -> float:
        """Return the median over the processes of one of their figures."""
        return float(median(float(r.answer[key]) for r in self.rounds))

    def memory(self, key: str) -> int:
        """Return the largest over the processes: "resident", "peak" or "model", in bytes."""
        return max(int(r.answer["memory"][key]) for r in self.rounds)

    @property
    def power_w(self) -> float | None:
        known = [r.answer["power_w"] for r in self.rounds if r.answer["power_w"] is not None]
        return float(median(known)) if len(known) == len(self.rounds) else None

    @property
    def power_source(self) -> str | None:
        """Return which meter the power is of, and what it covers."""
        source = self.rounds[0].answer["power_source"] if self.power_w is not None else None
        return None if source is None else str(source)

    @property
    def throttled(self) -> bool | None:
        told = [r.throttled for r in self.rounds]
        return True if True in told else None if None in told else False

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Say what makes these figures doubtful."""
        found = []
        if self.throttled:
            words = dict.fromkeys(word for r in self.rounds for word in r.strains or ())
            found.append(f"the clock was held down during the measurement: {', '.join(words)}")
        unstable = sum(not r.answer["warm_up"]["stable"] for r in self.rounds)
        if unstable:
            found.append(f"not stable after warming up in {unstable} of {len(self.rounds)} rounds")
        busy = [r.others_cpus for r in self.rounds if r.others_cpus is not None]
        if busy and median(busy) > BUSY_CPUS:
            found.append(f"other programs kept {median(busy):.1f} CPUs busy")
        medians = [float(np.median(blocks)) for blocks in self.block_medians()]
        if len(medians) > 2 and median(medians[1:]) > SLOWER * medians[0]:
            slower = median(medians[1:]) / medians[0] - 1
            found.append(f"later rounds took {slower:.0%} longer than the first")
        return tuple(found)

    @staticmethod
    def _pooled(one: Round, key: str) -> Any:  # Any: an array of float64
        return np.concatenate([np.asarray(block, np.float64) for block in one.answer[key]])

    def as_json(self) -> dict[str, Any]:
        bare, power = self.bare, self.power_w
        return {
            "name": self.name,
            "runtime": self.runtime,
            "precision": self.precision,
            "threads": self.threads,
            "bytes": self.size_bytes,
            "bare_loop_only": self.foreign,
            "import_ms": round(self.middle("import_ms"), 3),
            "load_ms": round(self.middle("load_ms"), 3),
            "first_ms": round(self.middle("first_ms"), 3),
            "latency": self.latency.as_json(),
            "p50_ci95_ms": [round(value, 5) for value in self.p50_range_ms],
            "quantiles_ms": [round(value, 5) for value in self.latency.quantiles_ms.tolist()],
            "bare_loop": bare.as_json() if bare else None,
            "overhead": self.overhead.as_json() if self.overhead else None,
            "stages": {
                name: {**stage.as_json(), "share": round(self.share(name), 5)}
                for name, stage in self.stages.items()
            },
            "memory_bytes": {key: self.memory(key) for key in ("resident", "peak", "model")},
            "power_w": round(power, 3) if power is not None else None,
            "power_source": self.power_source,
            "energy_mj_per_image": round(power * self.latency.mean_ms, 3) if power else None,
            "throttled": self.throttled,
            "rounds": [
                {
                    "block_p50_ms": [round(value, 5) for value in medians.tolist()],
                    "warm_up": one.answer["warm_up"],
                    "before": one.before.as_json(),
                    "after": one.after.as_json(),
                    "others_cpus": _rounded(one.others_cpus),
                }
                for one, medians in zip(self.rounds, self.block_medians(), strict=True)
            ],
            "warnings": list(self.warnings),
        }

    def share(self, stage: str) -> float:
        """Return a stage's part of the mean time from JPEG to decision, 0 to 1."""
        return self.stages[stage].mean_ms / sum(item.mean_ms for item in self.stages.values())


@dataclass(frozen=True, eq=False)
class Benchmark:
    """All configurations of one run."""

    bundle: str
    version: str
    device: Device
    before: State
    after: State
    images: str
    duration_s: float
    configurations: tuple[Configuration, ...]
    not_measured: Mapping[str, str]

    @property
    def timer_overhead_ns(self) -> float:
        return float(
            median(
                one.answer["timer_overhead_ns"]
                for item in self.configurations
                for one in item.rounds
            )
        )

    @cached_property
    def fastest(self) -> Configuration:
        """Return the configuration with the lowest median, foreign files left out."""
        own = [item for item in self.configurations if not item.foreign]
        return min(own, key=lambda item: item.latency.p50_ms)

    def against_fastest(self, item: Configuration) -> Ratio:
        """Return how many times as long as the fastest it takes."""
        return ratio_of_rounds(self.fastest.block_medians(), item.block_medians())

    @property
    def throttled(self) -> bool | None:
        """Tell whether any round was throttled; None where the board cannot tell."""
        told = [item.throttled for item in self.configurations]
        return True if True in told else None if None in told else False

    @property
    def image_sizes(self) -> list[list[int]]:
        """Return the widths and heights of the pictures that were decoded."""
        return [list(size) for size in self.configurations[0].rounds[0].answer["image_px"]]

    def as_json(self) -> dict[str, Any]:
        return {
            "bundle": {"name": self.bundle, "version": self.version},
            "device": self.device.as_json(),
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "images": self.images,
            "image_px": self.image_sizes,
            "duration_s": self.duration_s,
            "warm_up_rule": WARM_UP_RULE,
            "timer_overhead_ns": round(self.timer_overhead_ns, 1),
            "throttled": self.throttled,
            "configurations": [
                {**item.as_json(), "times_the_fastest": self.against_fastest(item).as_json()}
                for item in self.configurations
            ],
            "fastest": {"name": self.fastest.name, "threads": self.fastest.threads},
            "not_measured": dict(self.not_measured),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
