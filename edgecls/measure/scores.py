"""What every variant says of every image; each image is decoded and resized once for all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecls.bundle.images import read_image
from edgecls.bundle.manifest import Manifest
from edgecls.bundle.preprocess import resized
from edgecls.errors import EdgeclsError, ImageError
from edgecls.measure.dataset import Sample
from edgecls.types import Classification, Pixels

Indices = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Classify = Callable[[Pixels], Classification]
Report = Callable[[str, int, int], None]
"""Told what is being done, how much of it, and how much there is in all."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one variant says.

    Args:    scores: shape (N, labels), 0 to 1.   called: index of the label it decides for, (N,).
    """

    scores: Floats
    called: Indices


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """Truth and answers for the images that could be read, in one order.

    Args:    labels: the bundle's.   truth: index into them, shape (N,).
             answers: by variant.   kept: indices of `samples` among those asked for.
             unreadable: file and reason.   sha256: over every image's hash and label, any order.
    """

    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    truth: Indices
    answers: Mapping[str, Answers]
    kept: Indices
    unreadable: tuple[tuple[Path, str], ...]
    sha256: str


def score_table(
    manifest: Manifest,
    classifiers: Mapping[str, Classify],
    samples: Sequence[Sample],
    *,
    unreadable_max: int = 0,
    report: Report | None = None,
) -> ScoreTable:
    """Ask every classifier about every image.

    Raises:  ImageError at the first unreadable image above `unreadable_max`, or if none is left.
             InferenceError as the classifiers raise it.
    """
    index = {label: place for place, label in enumerate(manifest.labels)}
    rule = manifest.input.model_copy(update={"color": "rgb"})  # the classifier swaps the channels
    scores: dict[str, list[list[float]]] = {name: [] for name in classifiers}
    called: dict[str, list[int]] = {name: [] for name in classifiers}
    kept: list[int] = []
    unreadable: list[tuple[Path, str]] = []
    hashes: list[str] = []
    for place, sample in enumerate(samples):
        try:
            pixels = resized(read_image(sample.path), rule)
        except ImageError as error:
            unreadable.append((sample.path, str(error)))
            if len(unreadable) > unreadable_max:
                raise _too_many(unreadable, unreadable_max) from error
            continue
        kept.append(place)
        digest = hashlib.sha256(sample.path.read_bytes()).hexdigest()
        hashes.append(f"{digest} {sample.label}\n")
        for name, classify in classifiers.items():
            answer = classify(pixels)
            scores[name].append([answer.scores[label] for label in manifest.labels])
            called[name].append(index[answer.label])
        if report:
            report("images", place + 1, len(samples))
    if not kept:
        raise ImageError(f"none of {len(samples)} images could be read: {unreadable[0][1]}")
    return ScoreTable(
        manifest.labels,
        tuple(samples[place] for place in kept),
        np.array([index[samples[place].label] for place in kept], np.intp),
        {name: Answers(np.array(scores[name]), np.array(called[name], np.intp)) for name in scores},
        np.array(kept, np.intp),
        tuple(unreadable),
        hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest(),
    )


def _too_many(unreadable: Sequence[tuple[Path, str]], limit: int) -> EdgeclsError:
    return ImageError(
        f"{len(unreadable)} unreadable images, at most {limit} allowed: {unreadable[-1][1]}",
        hint=f"repair the image, or allow some with: --max-unreadable {2 * len(unreadable)}",
    )
