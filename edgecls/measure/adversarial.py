"""How variants take pictures that were made to mislead the float model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecls.bundle.images import images_in, read_image
from edgecls.bundle.manifest import Manifest
from edgecls.errors import ConfigError
from edgecls.measure.dataset import Dataset, load_dataset
from edgecls.measure.scores import Classify, Report, score_table
from edgecls.measure.sliced import SliceFigures, slice_figures
from edgecls.types import Pixels

SCHEMA = 1
MADE = "made.json"
MANIFEST = "manifest.csv"
PATTERNS = "patterns"
COLUMN = "attack"
ASCENT = "gradient ascent"


@dataclass(frozen=True, slots=True)
class AdversarialSet:
    """A folder as `edgecls adversarial` writes it.

    Args:    made_against: the bundle whose float net was attacked, "name version".
             dataset: each picture in every form; the column "attack" says which.
             patterns: files made from nothing by gradient ascent.
    """

    made_against: str
    dataset: Dataset
    patterns: tuple[Path, ...]

    def fooling(self) -> dict[str, list[Pixels]]:
        """Read the patterns, as `fooling_images` gives its own."""
        return {ASCENT: [read_image(path) for path in self.patterns]} if self.patterns else {}


@dataclass(frozen=True, slots=True)
class Attacked:
    """Accuracy of every variant under every attack, in the order in which they were made."""

    made_against: str
    figures: tuple[SliceFigures, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "made_against": self.made_against,
            "attacks": [item.as_json() for item in self.figures],
        }


def load_adversarial(folder: Path, manifest: Manifest) -> AdversarialSet:
    """Open such a folder.

    Raises:  ConfigError when it is none, of a newer edgecls, or made for other labels.
    """
    try:
        made = json.loads((folder / MADE).read_bytes())
        schema, labels, bundle = made["schema"], tuple(made["labels"]), made["bundle"]
        against = f"{bundle['name']} {bundle['version']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} holds no adversarial pictures: {error}",
            hint="edgecls adversarial makes them, on a workstation",
        ) from error
    if schema != SCHEMA:
        raise ConfigError(f"{folder / MADE} has schema {schema}, this edgecls reads {SCHEMA}")
    if labels != manifest.labels:
        raise ConfigError(
            f"{folder} was made for the labels {', '.join(labels)}, the bundle has "
            f"{', '.join(manifest.labels)}"
        )
    dataset = load_dataset(folder / MANIFEST, labels)
    if COLUMN not in dataset.columns:
        raise ConfigError(f"{folder / MANIFEST} lacks the column {COLUMN!r}")
    patterns = folder / PATTERNS
    return AdversarialSet(against, dataset, tuple(images_in(patterns)) if patterns.is_dir() else ())


def attacked_figures(
    found: AdversarialSet,
    manifest: Manifest,
    classifiers: Mapping[str, Classify],
    *,
    reference: str | None,
    report: Report | None = None,
) -> Attacked:
    """Ask every classifier about every form of every picture; each must be readable."""
    attacks = [sample.facts[COLUMN] for sample in found.dataset.samples]
    table = score_table(manifest, classifiers, found.dataset.samples, report=report)
    order = list(dict.fromkeys(attacks))
    figures = slice_figures(table, {COLUMN: attacks}, reference)
    return Attacked(
        found.made_against, tuple(sorted(figures, key=lambda item: order.index(item.value)))
    )
