"""Which images calibrate a model: a TOML with the rule that chose them and the hash of each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import Self

from edgecls._lib import toml
from edgecls._lib.files import write_atomic
from edgecls._lib.validation import message_from_validation
from edgecls.bundle.images import read_image
from edgecls.bundle.manifest import Decision, InputRule, OutputRule, Word
from edgecls.errors import CalibrationError, ConfigError, ImageError
from edgecls.measure.dataset import Dataset, Sample, load_dataset
from edgecls.types import Pixels

NIGHT_LUMA_MAX = 60.0
UNREADABLE_MAX = 0.05
LOCKED = re.compile(r"^\[locked\][^\[]*\[[^\]]*\][^\n]*\n?", re.MULTILINE)
"""The section of that name, to the end of its list; the word in a comment is none."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Section):
    """Where the images come from."""

    data: str = Field(description="Folder or CSV manifest, relative to --data.")
    split: str | None = None
    skip_labels: tuple[str, ...] = ()


class Selection(_Section):
    """Which of them are taken: the same number of each label, and of day and night within it."""

    count: int = Field(ge=2, le=20_000)
    seed: int = 0
    luma_column: str | None = Field(None, description="Column with the mean luma, 0 to 255.")


class Locked(_Section):
    """The sha256 of every image used, in order; another image in the place of one is an error."""

    images: tuple[str, ...]


class CalibrationSet(_Section):
    """The whole file; `edgecls calibrate --lock` writes its last section."""

    name: Word
    labels: tuple[str, ...] = Field(min_length=2)
    source: Source
    selection: Selection
    input: InputRule
    output: OutputRule
    decision: Decision | None = None
    locked: Locked | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if twice:
            raise ValueError(f"label {twice[0]!r} appears more than once")
        if self.decision and self.decision.label not in self.labels:
            raise ValueError(f"decision.label {self.decision.label!r} is not among the labels")
        return self


def load_calibration_set(path: Path) -> CalibrationSet:
    """Read the TOML. Raises: ConfigError with every fault, a line each."""
    try:
        return CalibrationSet.model_validate(toml.read(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        message = message_from_validation(error, CalibrationSet, origin=str(path))
        raise ConfigError(message) from error
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


@dataclass(frozen=True)
class Selected:
    """The chosen images, hashed, in the order in which they are used.

    Args:    hashes: sha256 of each file.   unreadable: paths that were passed over.
    """

    samples: tuple[Sample, ...]
    hashes: tuple[str, ...]
    unreadable: tuple[Path, ...]

    def first(self, count: int) -> Selected:
        """Return the first of them; labels and light alternate, so any number is mixed."""
        return Selected(self.samples[:count], self.hashes[:count], self.unreadable)

    def pixels(self) -> Iterator[Pixels]:
        """Read the images one by one: RGB uint8, shape (H, W, 3)."""
        return (read_image(sample.path) for sample in self.samples)


def select(wanted: CalibrationSet, data: Path) -> Selected:
    """Choose the images by the set's rule; labels and light alternate, so halves are alike.

    Raises:  CalibrationError for all-one-class data, too many unreadable images, or images that
             are not the ones the set was locked to.
    """
    source = wanted.source
    dataset = load_dataset(
        data / source.data, wanted.labels, split=source.split, skip_labels=source.skip_labels
    )
    present = {sample.label for sample in dataset.samples}
    if len(present) < 2:
        raise CalibrationError(
            f"{dataset.name}: every image is {present.pop()!r}, expected at least two labels",
            hint="activations of one class only give ranges that clip the others",
        )
    queues = _strata(dataset, wanted.selection)
    chosen, hashes, unreadable = _drawn(queues, wanted.selection.count)
    if len(unreadable) > max(1, UNREADABLE_MAX * wanted.selection.count):
        raise CalibrationError(
            f"{dataset.name}: {len(unreadable)} unreadable images, the first {unreadable[0]}",
            hint="repair or remove them: edgecls data check",
        )
    if len(chosen) < wanted.selection.count:
        raise CalibrationError(
            f"{dataset.name}: {len(chosen)} images, expected {wanted.selection.count}",
            hint="lower selection.count",
        )
    expected = wanted.locked.images if wanted.locked else tuple(hashes)
    if expected != tuple(hashes):
        different = len(set(hashes) - set(expected)) or "the order"
        raise CalibrationError(
            f"calibration set {wanted.name}: {different} of {len(hashes)} images differ from the "
            f"{len(expected)} it was locked to",
            hint="use the same data, or lock it anew with: edgecls calibrate --lock",
        )
    return Selected(tuple(chosen), tuple(hashes), tuple(unreadable))


def _strata(dataset: Dataset, rule: Selection) -> list[list[Sample]]:
    """Shuffle the samples of each label and light, by the seed."""
    groups: dict[tuple[str, bool], list[Sample]] = {}
    column = rule.luma_column or None
    if column and column not in dataset.columns:
        raise ConfigError(f"{dataset.name} lacks the column {column!r} for day and night")
    for sample in dataset.samples:
        dark = column is not None and _luma(sample, column) < NIGHT_LUMA_MAX
        groups.setdefault((sample.label, dark), []).append(sample)
    generator = np.random.default_rng(rule.seed)
    return [
        [groups[key][at] for at in generator.permutation(len(groups[key]))]
        for key in sorted(groups)
    ]


def _luma(sample: Sample, column: str) -> float:
    """Return the mean luma that the manifest tells; an empty cell counts as day."""
    told = sample.facts[column]
    try:
        return float(told or 255.0)
    except ValueError as error:
        raise ConfigError(
            f"{sample.path}: {column} is {told!r}, expected a number from 0 to 255"
        ) from error


def _drawn(
    queues: Sequence[list[Sample]], count: int
) -> tuple[list[Sample], list[str], list[Path]]:
    """Take from the queues in turn until `count` readable images are there."""
    chosen: list[Sample] = []
    hashes: list[str] = []
    unreadable: list[Path] = []
    depth = 0
    while len(chosen) < count and any(depth < len(queue) for queue in queues):
        for queue in queues:
            if depth >= len(queue) or len(chosen) >= count:
                continue
            sample = queue[depth]
            try:
                read_image(sample.path)
                digest = hashlib.sha256(sample.path.read_bytes()).hexdigest()
            except (ImageError, OSError):
                unreadable.append(sample.path)
                continue
            chosen.append(sample)
            hashes.append(digest)
        depth += 1
    return chosen, hashes, unreadable


def check_disjoint(hashes: Iterable[str], evaluation: Dataset) -> None:
    """Refuse calibration images that are also measured on.

    Raises:  CalibrationError naming the first such image and their number.
    """
    known = set(hashes)
    both = [sample.path for sample in evaluation.samples if _hash(sample.path) in known]
    if both:
        raise CalibrationError(
            f"{len(both)} calibration images are in {evaluation.name}, the first {both[0]}",
            hint="calibrate on the training split",
        )


def _hash(path: Path) -> str:
    """Return a file's sha256. Raises: CalibrationError when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise CalibrationError(
            f"{path}: cannot be read: {error.strerror or error}",
            hint="take it out of the images to be measured on: edgecls data check",
        ) from error


def lock(path: Path, hashes: Sequence[str]) -> None:
    """Write the images' hashes as the last section of the set's TOML, in place of an older one.

    Raises:  ConfigError when it cannot be written.
    """
    kept = LOCKED.sub("", path.read_text(encoding="utf-8-sig")).rstrip()
    listing = "\n".join(f'    "{digest}",' for digest in hashes)
    try:
        write_atomic(path, f"{kept}\n\n[locked]\nimages = [\n{listing}\n]\n".encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from error
