"""Find the fastest variant inside the accuracy budget on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecls.bundle.choice import Choice
from edgecls.errors import ConfigError
from edgecls.measure.bench_result import Benchmark, Configuration
from edgecls.measure.evaluate import Evaluation, VariantFigures
from edgecls.measure.ratio import Ratio, ratio_of_rounds


@dataclass(frozen=True, eq=False)
class Candidate:
    """One variant: what it loses and what it takes.

    Args:    admitted: inside the accuracy budget.   times: None where it was not timed.
             against_chosen: how many times as long as the chosen one it takes.
    """

    figures: VariantFigures
    admitted: bool
    times: Configuration | None
    against_chosen: Ratio | None
    chosen: bool

    def as_json(self) -> dict[str, Any]:
        against = self.figures.against
        return {
            "name": self.figures.variant.name,
            "accuracy": self.figures.metrics.accuracy.as_json(),
            "against_reference": against.accuracy.as_json() if against else None,
            "admitted": self.admitted,
            "latency": self.times.latency.as_json() if self.times else None,
            "times_the_chosen": self.against_chosen.as_json() if self.against_chosen else None,
            "chosen": self.chosen,
        }


@dataclass(frozen=True, eq=False)
class Selection:
    """The choice and what it was made from.

    Args:    file: where it was written, None for a dry run.
    """

    evaluation: Evaluation
    benchmark: Benchmark
    candidates: tuple[Candidate, ...]
    file: Path | None = None

    @property
    def chosen(self) -> Candidate:
        return next(item for item in self.candidates if item.chosen)

    def as_choice(self) -> Choice:
        """Return what the device keeps."""
        told = self.chosen.as_json()
        gate = self.evaluation.gate
        measured = {
            "accuracy": told["accuracy"],
            "against_reference": told["against_reference"],
            "latency": told["latency"],
            "budget": gate.as_json() if gate else None,
            "dataset": {
                "name": self.evaluation.dataset.name,
                "sha256": self.evaluation.table.sha256,
            },
            "device": self.benchmark.device.as_json(),
        }
        return Choice(self.chosen.figures.variant.name, measured)

    def as_json(self) -> dict[str, Any]:
        gate = self.evaluation.gate
        return {
            "bundle": {"name": self.benchmark.bundle, "version": self.benchmark.version},
            "device": self.benchmark.device.as_json(),
            "reference": self.evaluation.reference,
            "budget": gate.as_json() if gate else None,
            "variants": [item.as_json() for item in self.candidates],
            "chosen": self.chosen.figures.variant.name,
            "file": str(self.file) if self.file else None,
            "warnings": [
                f"{item.name}: {warning}"
                for item in self.benchmark.configurations
                for warning in item.warnings
            ],
        }


def admitted(evaluation: Evaluation) -> list[str]:
    """Return the variants inside the budget; the reference always is."""
    gate = evaluation.gate
    if gate is None:
        raise ConfigError("a selection needs an accuracy budget")
    return [
        item.variant.name
        for item in evaluation.variants
        if item.against is None or gate.holds(item.against)
    ]


def select(evaluation: Evaluation, benchmark: Benchmark) -> Selection:
    """Choose among the admitted variants, all of which have been timed.

    The lowest median wins. Where the times of another one cannot be told apart from it, the one
    that is more often right does: nobody should pay accuracy for noise.
    """
    allowed = admitted(evaluation)
    timed = {item.name: item for item in benchmark.configurations if item.name in allowed}
    accuracy = {item.variant.name: item.metrics.accuracy.value for item in evaluation.variants}
    fastest = min(timed.values(), key=lambda item: item.latency.p50_ms)
    alike = [fastest, *(item for item in timed.values() if _alike(fastest, item))]
    best = max(alike, key=lambda item: (accuracy[item.name], -item.latency.p50_ms))
    candidates = []
    for item in evaluation.variants:
        times = timed.get(item.variant.name)
        other = times is not None and times is not best
        candidates.append(
            Candidate(
                item,
                item.variant.name in allowed,
                times,
                ratio_of_rounds(best.block_medians(), times.block_medians())
                if times is not None and other
                else None,
                times is best,
            )
        )
    return Selection(evaluation, benchmark, tuple(candidates))


def _alike(fastest: Configuration, item: Configuration) -> bool:
    """Tell whether the two cannot be told apart."""
    if item is fastest:
        return False
    return not ratio_of_rounds(fastest.block_medians(), item.block_medians()).differs
