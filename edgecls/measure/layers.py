"""Two variants inside: at which layer the error of the second one enters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecls import plugins
from edgecls.bundle.images import read_image
from edgecls.bundle.open import Bundle
from edgecls.bundle.preprocess import Preprocessor
from edgecls.classifier import Classifier, open_runtime
from edgecls.errors import EdgeclsError
from edgecls.measure import intervals, reliability
from edgecls.measure.intervals import Estimate
from edgecls.ports import Tensor
from edgecls.runtimes import RUNTIMES, TAPS

SQNR_MAX_DB = 120.0
"""Said of tensors that are equal: more than float32 can tell."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One tensor in both.

    Args:    sqnr_db: of the second against the first, mean over images.
             cosine: likeness of direction, 1 for equal, mean over images.
             drop_db: how much lower the SQNR is than at the layer before.
    """

    name: str
    shape: tuple[int, ...]
    sqnr_db: Estimate
    cosine: Estimate
    drop_db: float

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "shape": list(self.shape),
            "sqnr_db": self.sqnr_db.as_json(),
            "cosine": self.cosine.as_json(),
            "drop_db": round(self.drop_db, 3),
        }


@dataclass(frozen=True, slots=True)
class LayerComparison:
    """Two variants on some images.

    Args:    agreement: share of images with the same label.
             scores: mean absolute difference of the scores; `score_max` is the largest.
             layers: in the graph's order, empty with a `reason` where they cannot be matched.
             unmatched: layers of the first that the second has not.
    """

    bundle: str
    first: str
    second: str
    images: int
    agreement: Estimate
    scores: Estimate
    score_max: float
    layers: tuple[Layer, ...]
    unmatched: int
    reason: str | None

    @property
    def worst_steps(self) -> list[Layer]:
        """Return the layers at which most is lost, the worst first."""
        return sorted(self.layers, key=lambda layer: -layer.drop_db)[:5]

    def as_json(self) -> dict[str, Any]:
        return {
            "bundle": self.bundle,
            "first": self.first,
            "second": self.second,
            "n": self.images,
            "agreement": self.agreement.as_json(),
            "score_difference": {
                "mean": self.scores.as_json(),
                "max": round(self.score_max, 6),
            },
            "layers": [layer.as_json() for layer in self.layers],
            "layers_unmatched": self.unmatched,
            "layers_reason": self.reason,
        }


def compare_layers(
    bundle: Bundle, first: str, second: str, paths: Sequence[Path]
) -> LayerComparison:
    """Run both variants on each image, and look at their outputs and inside them.

    Raises:  ConfigError for an unknown variant; ImageError for an unreadable image.
    """
    photos = [read_image(path) for path in paths]
    with Classifier(bundle, variant=first) as one, Classifier(bundle, variant=second) as other:
        pairs = [(one.classify(pixels), other.classify(pixels)) for pixels in photos]
        runtimes = one.variant.runtime, other.variant.runtime
    same = sum(a.label == b.label for a, b in pairs)
    apart = np.array([[abs(a.scores[k] - b.scores[k]) for k in a.scores] for a, b in pairs])
    layers: tuple[Layer, ...] = ()
    unmatched, reason = 0, None
    if runtimes[0] != runtimes[1]:
        reason = f"{runtimes[0]} and {runtimes[1]} name and lay out their tensors differently"
    elif runtimes[0] not in TAPS:
        reason = f"the runtime {runtimes[0]} does not show its inner tensors"
    else:
        try:
            found = [_inside(bundle, name, photos) for name in (first, second)]
            layers, unmatched = _matched(*found)
            if not layers:
                reason = "the two have no tensor of the same name and shape"
        except EdgeclsError as error:
            reason = error.message
    n = len(paths)
    return LayerComparison(
        bundle.manifest.name,
        first,
        second,
        n,
        Estimate(same / n, n, *intervals.wilson(same, n)),
        reliability.mean_estimate(apart.mean(axis=1)),
        float(apart.max()),
        layers,
        unmatched,
        reason,
    )


def _inside(bundle: Bundle, name: str, photos: Sequence[Tensor]) -> list[Mapping[str, Tensor]]:
    """Return for each image what every layer gives."""
    variant, runtime = open_runtime(bundle, name, threads=1, runtimes=RUNTIMES)
    with runtime:
        preprocess = Preprocessor(bundle.manifest.input, runtime.input)
    tap = plugins.load("tap", TAPS, variant.runtime)(bundle.artefact(variant))
    return [tap(preprocess(pixels)) for pixels in photos]


def _matched(
    first: Sequence[Mapping[str, Tensor]], second: Sequence[Mapping[str, Tensor]]
) -> tuple[tuple[Layer, ...], int]:
    names = [
        name
        for name, value in first[0].items()
        if name in second[0] and second[0][name].shape == value.shape
    ]
    layers: list[Layer] = []
    before = SQNR_MAX_DB
    for name in names:
        pairs = [(a[name].ravel(), b[name].ravel()) for a, b in zip(first, second, strict=True)]
        sqnr = reliability.mean_estimate(np.array([_sqnr_db(a, b) for a, b in pairs]))
        cosine = reliability.mean_estimate(np.array([_cosine(a, b) for a, b in pairs]))
        layers.append(Layer(name, first[0][name].shape, sqnr, cosine, before - sqnr.value))
        before = sqnr.value
    if layers:  # the first layer has none before it
        top = layers[0]
        layers[0] = Layer(top.name, top.shape, top.sqnr_db, top.cosine, 0.0)
    return tuple(layers), len(first[0]) - len(names)


def _sqnr_db(reference: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Return 10 log10 of the signal's power over the difference's."""
    signal = float(np.square(reference, dtype=np.float64).sum())
    noise = float(np.square(reference.astype(np.float64) - other).sum())
    if noise == 0:
        return SQNR_MAX_DB
    return min(SQNR_MAX_DB, 10 * math.log10(max(signal, 1e-30) / noise))


def _cosine(reference: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    lengths = float(np.linalg.norm(reference)) * float(np.linalg.norm(other))
    if lengths == 0:
        return 1.0 if np.array_equal(reference, other) else 0.0
    return float(np.dot(reference.astype(np.float64), other)) / lengths
