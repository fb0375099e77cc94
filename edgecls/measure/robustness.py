"""How variants take spoiled pictures, and pictures that show nothing at all."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecls.bundle.images import read_image
from edgecls.bundle.manifest import Manifest
from edgecls.bundle.preprocess import resized
from edgecls.errors import ImageError
from edgecls.measure import intervals
from edgecls.measure.corruptions import CORRUPTIONS, SEVERITIES, at_reference_size, corrupted
from edgecls.measure.dataset import Sample
from edgecls.measure.fooling import fooling_images
from edgecls.measure.intervals import Estimate
from edgecls.measure.scores import Classify, Report
from edgecls.types import Pixels

SEED = 1
CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """One corruption.

    Args:    n: images, each seen at every severity (once for "clean").
             accuracy: by variant, mean over the severities; its interval is over images.
             by_severity: by variant, 1 to 5.   against: by variant, minus the reference.
    """

    corruption: str
    n: int
    accuracy: Mapping[str, Estimate]
    by_severity: Mapping[str, tuple[Estimate, ...]]
    against: Mapping[str, Estimate]

    def as_json(self) -> dict[str, Any]:
        return {
            "corruption": self.corruption,
            "n": self.n,
            "accuracy": {name: item.as_json() for name, item in self.accuracy.items()},
            "by_severity": {
                name: [item.as_json() for item in items] for name, items in self.by_severity.items()
            },
            "against_reference": {name: item.as_json() for name, item in self.against.items()},
        }


@dataclass(frozen=True, slots=True)
class Fooled:
    """One kind of picture that shows nothing: how many a variant calls the told label.

    Args:    n: pictures.   called: by variant.   highest: by variant, the highest score.
    """

    kind: str
    label: str
    n: int
    called: Mapping[str, Estimate]
    highest: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "label": self.label,
            "n": self.n,
            "called": {name: item.as_json() for name, item in self.called.items()},
            "highest_score": {name: round(value, 6) for name, value in self.highest.items()},
        }


def spoiled_figures(
    manifest: Manifest,
    classifiers: Mapping[str, Classify],
    samples: Sequence[Sample],
    *,
    reference: str | None,
    report: Report | None = None,
) -> tuple[Spoiled, ...]:
    """Ask every classifier about every image in every spoiled form, and about the clean one.

    The same spoiled pictures go to all classifiers; noise depends on the image's name only, so that
    a second run sees the same.
    """
    rule = manifest.input.model_copy(update={"color": "rgb"})
    forms = [(CLEAN, 0), *((name, level) for name in CORRUPTIONS for level in SEVERITIES)]
    right = {name: np.zeros((len(samples), len(forms)), np.bool_) for name in classifiers}
    used = []
    for place, sample in enumerate(samples):
        try:
            pixels = at_reference_size(read_image(sample.path))
        except ImageError:
            continue  # the evaluation before this one has named and counted it
        used.append(place)
        for column, (name, severity) in enumerate(forms):
            random = np.random.default_rng(
                [SEED, zlib.crc32(f"{name} {severity} {sample.path.name}".encode())]
            )
            shown = corrupted(name, pixels, severity, random) if severity else pixels
            sized = resized(shown, rule)
            for variant, classify in classifiers.items():
                right[variant][place, column] = classify(sized).label == sample.label
        if report:
            report("spoiled images", place + 1, len(samples))
    counted = {name: table[used] for name, table in right.items()}
    return tuple(
        _spoiled(name, [i for i, form in enumerate(forms) if form[0] == name], counted, reference)
        for name in (CLEAN, *CORRUPTIONS)
    )


def _spoiled(
    name: str,
    columns: list[int],
    right: Mapping[str, npt.NDArray[np.bool_]],
    reference: str | None,
) -> Spoiled:
    shares = {variant: table[:, columns].mean(axis=1) for variant, table in right.items()}
    n = len(next(iter(shares.values())))
    against = {}
    if reference is not None:
        for variant, share in shares.items():
            if variant != reference:
                apart = (share - shares[reference]).tolist()
                against[variant] = intervals.bounded_mean(apart, -1.0, 1.0)
    by_severity = {
        variant: tuple(
            Estimate(float(found.mean()), n, *intervals.wilson(int(found.sum()), n))
            for found in (table[:, column] for column in columns)
        )
        for variant, table in right.items()
    }
    accuracy = {
        variant: intervals.bounded_mean(share.tolist(), 0.0, 1.0)
        for variant, share in shares.items()
    }
    return Spoiled(name, n, accuracy, by_severity, against)


def fooled_figures(
    manifest: Manifest,
    classifiers: Mapping[str, Classify],
    *,
    label: str,
    more: Mapping[str, Sequence[Pixels]] = MappingProxyType({}),
) -> tuple[Fooled, ...]:
    """Show every classifier pictures of nothing; count how many it calls `label`.

    Args:    more: further kinds, beside `fooling_images`.
    """
    rule = manifest.input.model_copy(update={"color": "rgb"})
    found = []
    for kind, pictures in {**fooling_images(), **more}.items():
        answers = {
            name: [classify(resized(picture, rule)) for picture in pictures]
            for name, classify in classifiers.items()
        }
        n = len(pictures)
        calls = {
            name: sum(item.label == label for item in items) for name, items in answers.items()
        }
        found.append(
            Fooled(
                kind,
                label,
                n,
                {
                    name: Estimate(count / n, n, *intervals.wilson(count, n))
                    for name, count in calls.items()
                },
                {
                    name: max(item.scores[label] for item in items)
                    for name, items in answers.items()
                },
            )
        )
    return tuple(found)
