"""Evaluate the variants of a bundle on labelled images, beside each other and beside float32."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from edgecls._lib.validation import suggestion
from edgecls.bundle.manifest import Manifest, Variant
from edgecls.bundle.open import Bundle
from edgecls.classifier import Classifier
from edgecls.errors import ConfigError, MissingDependencyError
from edgecls.measure.adversarial import AdversarialSet, Attacked, attacked_figures
from edgecls.measure.dataset import Dataset, Sample, thinned
from edgecls.measure.difference import Difference, difference
from edgecls.measure.gate import Gate
from edgecls.measure.machine import Device, Machine
from edgecls.measure.metrics import Metrics, metrics_from_answers
from edgecls.measure.robustness import Fooled, Spoiled, fooled_figures, spoiled_figures
from edgecls.measure.scores import Report, ScoreTable, score_table
from edgecls.measure.sliced import SliceFigures, slice_figures
from edgecls.measure.slices import slice_values
from edgecls.runtimes import RUNTIMES

REFERENCE_PRECISION = "float32"


@dataclass(frozen=True, slots=True, eq=False)
class VariantFigures:
    """One variant: its own figures, and against the reference (None for the reference itself)."""

    variant: Variant
    metrics: Metrics
    against: Difference | None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.variant.name,
            "runtime": self.variant.runtime,
            "precision": self.variant.precision,
            "bytes": self.variant.bytes,
            **self.metrics.as_json(),
            "against_reference": self.against.as_json() if self.against else None,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All of it.

    Args:    reference: name of the float32 variant, None where the bundle has none that runs here.
             agreement: every pair of runtimes at the same precision.
             slices, spoiled, fooled: empty unless asked for; attacked: None.
             not_measured: variant and why.
    """

    manifest: Manifest
    device: Device
    dataset: Dataset
    table: ScoreTable
    variants: tuple[VariantFigures, ...]
    reference: str | None
    agreement: tuple[Difference, ...]
    slices: tuple[SliceFigures, ...]
    spoiled: tuple[Spoiled, ...]
    fooled: tuple[Fooled, ...]
    attacked: Attacked | None
    not_measured: Mapping[str, str]
    gate: Gate | None

    @property
    def exit_code(self) -> int:
        return 0 if self.gate is None or self.gate.passed else 1

    def as_json(self) -> dict[str, Any]:
        decision = self.manifest.decision
        return {
            "bundle": {"name": self.manifest.name, "version": self.manifest.version},
            "device": self.device.as_json(),
            "decision": decision.model_dump() if decision else None,
            "dataset": {
                "name": self.dataset.name,
                "sha256": self.table.sha256,
                "n": len(self.table.samples),
                "labels": {
                    label: int((self.table.truth == place).sum())
                    for place, label in enumerate(self.table.labels)
                },
                "skipped": dict(self.dataset.skipped),
                "unreadable": [
                    {"file": str(path), "reason": reason} for path, reason in self.table.unreadable
                ],
            },
            "reference": self.reference,
            "variants": [item.as_json() for item in self.variants],
            "agreement": [item.as_json() for item in self.agreement],
            "slices": [item.as_json() for item in self.slices],
            "robustness": [item.as_json() for item in self.spoiled],
            "fooling": [item.as_json() for item in self.fooled],
            "adversarial": self.attacked.as_json() if self.attacked else None,
            "not_measured": dict(self.not_measured),
            "gate": self.gate.as_json() if self.gate else None,
        }


def evaluate(
    bundle: Bundle, variant: str, samples: Sequence[Sample], *, threads: int = 1
) -> Metrics:
    """Measure one variant on some images, each of which must be readable."""
    with Classifier(bundle, variant=variant, threads=threads) as classifier:
        table = score_table(bundle.manifest, {variant: classifier.classify}, samples)
    return metrics_from_answers(
        table.labels, table.truth, table.answers[variant], told=told_label(bundle.manifest)
    )


def evaluate_bundle(
    bundle: Bundle,
    dataset: Dataset,
    *,
    names: Sequence[str] | None = None,
    reference: str | None = None,
    slice_columns: Sequence[str] | None = (),
    robustness_images: int = 0,
    adversarial: AdversarialSet | None = None,
    threads: int = 1,
    unreadable_max: int = 0,
    max_drop_pp: float | None = None,
    gate_rule: str = "bound",
    runtimes: Mapping[str, str] = RUNTIMES,
    report: Report | None = None,
) -> Evaluation:
    """Measure variants on a data set, compare each with float32, and hold them to a budget.

    Args:    names: of the variants; None takes all whose runtime is installed.
             reference: to compare with; None takes the first float32 variant that runs here.
             slice_columns: () for none, None for those that suit.
             robustness_images: spoil so many of the images, see `robustness`; 0 for none.
             adversarial: also show these; with them or `robustness_images`, pictures of nothing.
             max_drop_pp: percentage points of accuracy that a variant may lose; see `Gate`.
    Raises:  ConfigError for an unknown variant or column, or a budget without a reference;
             MissingDependencyError for a named variant that cannot run here; ImageError.
    """
    manifest = bundle.manifest
    sliced = slice_values(dataset, slice_columns) if slice_columns != () else {}
    with contextlib.ExitStack() as stack:
        opened, not_measured = open_classifiers(
            stack, bundle, names, reference=reference, threads=threads, runtimes=runtimes
        )
        chosen = reference or _default_reference(manifest, tuple(opened))
        if max_drop_pp is not None and chosen is None:
            raise ConfigError(
                f"{bundle.path} has no float32 variant that runs here to measure a drop against",
                hint="name one with: --reference VARIANT",
            )
        told = told_label(manifest)
        classify = {name: classifier.classify for name, classifier in opened.items()}
        table = score_table(
            manifest, classify, dataset.samples, unreadable_max=unreadable_max, report=report
        )
        spoiled: tuple[Spoiled, ...] = ()
        fooled: tuple[Fooled, ...] = ()
        attacked = None
        if robustness_images:
            subset = thinned(table.samples, robustness_images)
            spoiled = spoiled_figures(manifest, classify, subset, reference=chosen, report=report)
        if adversarial:
            attacked = attacked_figures(
                adversarial, manifest, classify, reference=chosen, report=report
            )
        if told and (robustness_images or adversarial):
            more = adversarial.fooling() if adversarial else {}
            fooled = fooled_figures(manifest, classify, label=told, more=more)
    figures = tuple(
        VariantFigures(
            classifier.variant,
            metrics_from_answers(table.labels, table.truth, table.answers[name], told=told),
            difference(table, chosen, name, told=told) if chosen and name != chosen else None,
        )
        for name, classifier in opened.items()
    )
    differences = [item.against for item in figures if item.against]
    return Evaluation(
        manifest,
        Machine().device(),
        dataset,
        table,
        figures,
        chosen,
        _agreement(table, [item.variant for item in figures], told),
        slice_figures(table, sliced, chosen),
        spoiled,
        fooled,
        attacked,
        not_measured,
        Gate(max_drop_pp, gate_rule, tuple(differences)) if max_drop_pp is not None else None,
    )


def told_label(manifest: Manifest) -> str | None:
    """Return the label that people are told about."""
    return manifest.decision.label if manifest.decision else None


def open_classifiers(
    stack: contextlib.ExitStack,
    bundle: Bundle,
    names: Sequence[str] | None,
    *,
    reference: str | None = None,
    threads: int = 1,
    runtimes: Mapping[str, str] = RUNTIMES,
) -> tuple[dict[str, Classifier], dict[str, str]]:
    """Load variants, in the manifest's order; return them, and the ones that cannot run here.

    With `names`, only those, the reference, and a float32 one to compare with where none is named.
    """
    manifest = bundle.manifest
    named = {*(names or ()), *([reference] if reference else [])}
    wanted = None if names is None else named
    opened: dict[str, Classifier] = {}
    missing: dict[str, str] = {}
    compared = reference is not None
    known = [item.name for item in manifest.variants]
    for name in named:
        if name not in known:
            raise ConfigError(
                f"{bundle.path} has no variant {name!r}", hint=suggestion(name, known)
            )
    for item in manifest.variants:
        is_float = item.precision == REFERENCE_PRECISION
        asked = item.name in named
        if wanted is not None and not asked and (compared or not is_float):
            continue
        try:
            classifier = Classifier(bundle, variant=item.name, threads=threads, runtimes=runtimes)
        except MissingDependencyError as error:
            if asked:
                raise
            missing[item.name] = f"{error.message}: {error.hint}" if error.hint else error.message
            continue
        except ConfigError as error:
            if asked or item.runtime in runtimes:
                raise
            missing[item.name] = error.message
            continue
        opened[item.name] = stack.enter_context(classifier)
        compared = compared or is_float
    if not opened:
        raise MissingDependencyError(
            f"{bundle.path}: no variant runs here: {'; '.join(missing.values())}"
        )
    return opened, missing


def _default_reference(manifest: Manifest, names: Sequence[str]) -> str | None:
    return next(
        (
            item.name
            for item in manifest.variants
            if item.precision == REFERENCE_PRECISION and item.name in names
        ),
        None,
    )


def _agreement(
    table: ScoreTable, variants: Sequence[Variant], told: str | None
) -> tuple[Difference, ...]:
    return tuple(
        difference(table, one.name, other.name, told=told)
        for one, other in combinations(variants, 2)
        if one.precision == other.precision and one.runtime != other.runtime
    )
