"""Start a narrow network from a wide one of the same kind, block by block, on training images.

Between its blocks MobileNetV2 is linear, so the narrow network carries the principal components of
what the wide one carries there. Inside a block those channels stay from which its output follows
best: by least squares, one after another taken away, the block reading what the narrow network
before it really gives. Nothing is trained; that comes after.

Source:  channels by reconstruction: He et al., Channel Pruning for Accelerating Very Deep Neural
         Networks (2017), Luo et al., ThiNet (2017); what taking one away costs: Hassibi and Stork,
         Second order derivatives for network pruning: Optimal Brain Surgeon (1993).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.open import open_bundle
from edgecls.bundle.preprocess import normalised, resized
from edgecls.errors import ConfigError, ImageError
from edgecls.lab.building import network_from
from edgecls.lab.bundle_weights import Affine, fill, is_bundle, layers_of_bundle, matched
from edgecls.lab.data import DataError
from edgecls.lab.dataset import Photos
from edgecls.lab.networks.network import Network
from edgecls.lab.recipe import Architecture, Recipe
from edgecls.lab.unreadable import Unreadable

WIDE: Mapping[str, str] = {"person_mobilenet_v2_slim": "person_mobilenet_v2"}
"""A network that can be pruned into being -> what it is pruned from."""
BATCH = 32
PLACES = 20_000
"""Places in feature maps that a block is fitted to."""
COMPONENTS = 96
"""Of the last feature map: what its channels are chosen by, beside the head's answers."""
HEAD_WEIGHT = 3.0
"""Of the head's answers, where a component of the last feature map has about 1."""
RIDGE, RIDGE_HEAT, RIDGE_MEAN = 1e-4, 1e-3, 3e-2
"""Of the blocks, the heat and the mean: the fewer rows there are for each column, the more."""
REDUCED = 32
"""MobileNetV2 halves five times; only where that goes evenly does it pad as here."""
FRONTS = ("mean_image", "pca_whitening", "zca_whitening")
log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Wide = Mapping[str, Affine]
"""Layer name -> what it computes."""


@dataclass(frozen=True, eq=False)
class Choice:
    """Some channels and how a target follows: target = values[:, kept] @ kernel + bias."""

    kept: npt.NDArray[np.intp]
    kernel: Doubles
    bias: Doubles


@dataclass(frozen=True, eq=False)
class Basis:
    """What is carried between blocks: (value - mean) @ axes."""

    mean: Doubles
    axes: Doubles


def check_prunable(recipe: Recipe) -> None:
    """Raise ConfigError where a recipe asks to prune what cannot be."""
    choice = recipe.architecture
    if not choice.prune_images:
        return
    if recipe.input.normalise in FRONTS:
        raise ConfigError(
            f"architecture.prune_images: a network behind {recipe.input.normalise} cannot be pruned"
        )
    if choice.name not in WIDE:
        raise ConfigError(
            f"architecture.prune_images: {choice.name} cannot be made from a wider network, "
            f"expected {', '.join(WIDE)}"
        )
    if not is_bundle(Path(choice.weights)) or choice.start_share:
        raise ConfigError(
            f"architecture.prune_images: expected a bundle of {WIDE[choice.name]} as "
            f"architecture.weights and no start_share, received {choice.weights!r} and "
            f"{choice.start_share:g}"
        )


def images_for_pruning(
    photos: Photos, rule: InputRule, *, count: int, seed: int, unreadable: Unreadable
) -> Floats:
    """Draw images and prepare them as on the device, (N, S, S, 3); unreadable ones are left out.

    Raises:  DataError when none is left, or too many are unreadable.
    """
    order = np.random.default_rng(seed).permutation(len(photos))[:count]

    def prepared(index: int) -> Floats | None:
        try:
            return normalised(resized(photos.read(index), rule), rule)
        except ImageError as error:
            unreadable.add(photos.rows[index].file, error)
            return None

    images = [image for image in map(prepared, map(int, order)) if image is not None]
    if not images:
        raise DataError(f"architecture.prune_images: none of {len(order)} images is readable")
    return np.stack(images)


def prune_into(network: Network, choice: Architecture, images: Floats, rule: InputRule) -> None:
    """Give a narrow network the weights of a wide one's bundle, as well as they fit.

    Args:    images: training images as the network wants them, (N, S, S, 3).
             rule: how they were prepared.
    Raises:  ConfigError for a size that halving does not divide evenly, or where the bundle wants
             its images otherwise; BundleError, BundleWeightsError where it is damaged or of
             another network.
    """
    size_px, classes = images.shape[1], int(network.model.output.shape[-1])
    if size_px % REDUCED:
        raise ConfigError(
            f"architecture.prune_images: expected a size in steps of {REDUCED} px, "
            f"received {size_px}"
        )
    theirs = open_bundle(Path(choice.weights)).manifest.input
    if _preparation(theirs) != _preparation(rule):
        raise ConfigError(
            f"architecture.prune_images: {choice.weights} takes its images otherwise (colour, "
            f"resizing, mean, spread): {_preparation(theirs)}, the recipe {_preparation(rule)}",
            hint="set input.normalise and input.resize as that network was trained",
        )
    wide = network_from(Architecture(name=WIDE[choice.name]), size_px=size_px, classes=classes)
    found = layers_of_bundle(Path(choice.weights))
    pairs = matched(wide.model, found, origin=choice.weights)
    known = {layer.name: affine for layer, affine in pairs}
    Pruning(network.model, known, images).run()


def _preparation(rule: InputRule) -> tuple[object, ...]:
    return rule.color, rule.resize, rule.mean, rule.std


class Pruning:
    """One narrow network being filled."""

    def __init__(self, narrow: keras.Model, wide: Wide, images: Floats) -> None:
        self._narrow, self._wide, self._images = narrow, wide, images
        self._random = np.random.default_rng(0)
        names = [layer.name for layer in narrow.layers]
        self._blocks = [n.removesuffix("_project") for n in names if n.endswith("_project")]
        self._joined = {n.removesuffix("_add") for n in names if n.endswith("_add")}

    def run(self) -> None:
        """Fill every layer."""
        carried, last = self._wide_answers()
        bases = self._bases(carried)
        values = self._images
        for index, block in enumerate(self._blocks):
            before = bases[index - 1] if index else None
            values = self._fill_block(block, before, bases[index], values, carried[index])
            lost = _lost(values, carried[index], bases[index])
            log.info("pruned %s: %.0f %% of what it carries is lost", block, 100 * lost)
        self._fill_head(bases[-1], values, last)

    def _wide_answers(self) -> tuple[list[Floats], Floats]:
        """Return what the wide network carries behind every block, and its last feature map."""
        parts: list[list[Floats]] = []
        for batch in _batches(self._images):
            x = _relu6(_applied(self._wide["Conv1"], batch, stride=2))
            answers = []
            for block in self._blocks:
                y = x
                if expand := self._wide.get(f"{block}_expand"):
                    y = _relu6(_applied(expand, y))
                y = _relu6(
                    _applied(self._wide[f"{block}_depthwise"], y, stride=self._stride(block))
                )
                y = _applied(self._wide[f"{block}_project"], y)
                x = x + y if block in self._joined else y
                answers.append(x)
            answers.append(_relu6(_applied(self._wide["Conv_1"], x)))
            parts.append(answers)
        whole = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return whole[:-1], whole[-1]

    def _bases(self, carried: Sequence[Floats]) -> list[Basis]:
        """Find the principal components; blocks that are added up share theirs."""
        found: list[Basis] = []
        for index, block in enumerate(self._blocks):
            if block in self._joined:
                found.append(found[-1])
                continue
            end = index + 1
            while end < len(self._blocks) and self._blocks[end] in self._joined:
                end += 1
            seen = np.concatenate([self._some(_flat(part)) for part in carried[index:end]])
            found.append(_principal(seen, self._channels(f"{block}_project")))
        return found

    def _fill_block(
        self, block: str, before: Basis | None, after: Basis, values: Floats, wanted: Floats
    ) -> Floats:
        """Choose a block's channels and fill it; return what the narrow network carries behind."""
        first = f"{block}_expand" if before is not None else "Conv1"
        reads = self._wide[first] if before is None else _read_by(self._wide[first], before)
        depthwise = self._wide[f"{block}_depthwise"]
        stride, own_stride = self._stride(block), 2 if before is None else 1
        heard, targets = [], []
        for batch, goal in zip(_batches(values), _batches(wanted), strict=True):
            inner = _relu6(_applied(reads, batch, stride=own_stride))
            inner = _flat(_relu6(_applied(depthwise, inner, stride=stride)))
            target = (_flat(goal) - after.mean) @ after.axes
            if block in self._joined:
                target = target - _flat(batch)
            share = max(1, PLACES * len(batch) // len(values))
            places = self._random.permutation(len(inner))[:share]
            heard.append(inner[places])
            targets.append(target[places])
        fit = chosen(
            np.concatenate(heard), np.concatenate(targets), self._channels(first), ridge=RIDGE
        )
        reads = _some_outputs(reads, fit.kept)
        depthwise = _some_outputs(depthwise, fit.kept)
        project = Affine("conv", _as_1x1(fit.kernel), fit.bias.astype(np.float32))
        self._put(first, reads)
        self._put(f"{block}_depthwise", depthwise)
        self._put(f"{block}_project", project)
        parts = []
        for batch in _batches(values):
            y = _relu6(_applied(reads, batch, stride=own_stride))
            y = _applied(project, _relu6(_applied(depthwise, y, stride=stride)))
            parts.append(batch + y if block in self._joined else y)
        return np.concatenate(parts)

    def _fill_head(self, before: Basis, values: Floats, last: Floats) -> None:
        """Choose the last channels by what the head reads, and refit the head to them."""
        heat, dense = self._wide["heat"], self._wide["from_mean"]
        reads = _read_by(self._wide["Conv_1"], before)
        seen = _flat(last)
        answers = seen @ np.concatenate([dense.kernel, heat.kernel[0, 0]], axis=1)
        parts = _principal(seen, min(COMPONENTS, seen.shape[1]))
        scores = (seen - parts.mean) @ parts.axes
        goals = [scores / scores.std(), HEAD_WEIGHT * _standardized(answers)]
        inner = np.concatenate([_relu6(_applied(reads, batch)) for batch in _batches(values)])
        fit = chosen(
            _flat(inner), np.concatenate(goals, axis=1), self._channels("Conv_1"), ridge=RIDGE
        )
        self._put("Conv_1", _some_outputs(reads, fit.kept))
        kept = inner[..., fit.kept]
        goal = seen @ heat.kernel[0, 0] + heat.bias
        cells = chosen(_flat(kept), goal, kept.shape[-1], ridge=RIDGE_HEAT)
        self._put("heat", Affine("conv", _as_1x1(cells.kernel), cells.bias.astype(np.float32)))
        goal = last.mean((1, 2)) @ dense.kernel + dense.bias
        whole = chosen(kept.mean((1, 2)), goal, kept.shape[-1], ridge=RIDGE_MEAN)
        self._put(
            "from_mean",
            Affine("dense", whole.kernel.astype(np.float32), whole.bias.astype(np.float32)),
        )
        self._put("from_peak", self._wide["from_peak"])

    def _put(self, name: str, affine: Affine) -> None:
        fill(self._narrow.get_layer(name), affine)

    def _channels(self, name: str) -> int:
        return int(self._narrow.get_layer(name).kernel.shape[-1])

    def _stride(self, block: str) -> int:
        return int(self._narrow.get_layer(f"{block}_depthwise").strides[0])

    def _some(self, rows: Floats) -> Floats:
        picked: Floats = rows[self._random.permutation(len(rows))[:PLACES]]
        return picked


def chosen(
    values: Floats, target: npt.NDArray[np.floating[Any]], keep: int, *, ridge: float
) -> Choice:
    """Choose the columns from which a target follows best, by backward elimination.

    Args:    values: (N, channels).   target: (N, outputs).   keep: so many columns stay.
             ridge: of the least squares, relative to the mean variance of a column.
    """
    x, y = values.astype(np.float64), target.astype(np.float64)
    x_mean, y_mean = x.mean(0), y.mean(0)
    x, y = x - x_mean, y - y_mean
    gram = x.T @ x / len(x)
    gram += ridge * np.diag(gram).mean() * np.eye(len(gram)) + 1e-12 * np.eye(len(gram))
    cross = x.T @ y / len(x)
    inverse = np.linalg.inv(gram)
    kernel = inverse @ cross
    alive = np.ones(len(gram), dtype=bool)
    for _ in range(len(gram) - keep):
        cost = np.square(kernel).sum(1) / np.diag(inverse)
        worst = int(np.argmin(np.where(alive, cost, np.inf)))
        column = inverse[:, worst].copy()
        kernel -= np.outer(column, kernel[worst]) / column[worst]
        inverse -= np.outer(column, column) / column[worst]
        inverse[worst, worst] = 1.0
        alive[worst] = False
    kept = np.flatnonzero(alive)
    kernel = np.linalg.solve(gram[np.ix_(kept, kept)], cross[kept])
    return Choice(kept, kernel, y_mean - x_mean[kept] @ kernel)


def _principal(rows: Floats, count: int) -> Basis:
    mean = rows.mean(0, dtype=np.float64)
    centred = rows - mean
    _, axes = np.linalg.eigh(centred.T @ centred)
    return Basis(mean, axes[:, -count:])


def _read_by(wide: Affine, before: Basis) -> Affine:
    """Let a 1x1 convolution read principal components."""
    kernel = wide.kernel[0, 0].astype(np.float64)
    return Affine(
        wide.kind,
        _as_1x1(before.axes.T @ kernel),
        (wide.bias + before.mean @ kernel).astype(np.float32),
    )


def _some_outputs(affine: Affine, kept: npt.NDArray[np.intp]) -> Affine:
    depthwise = affine.kind == "depthwise"
    kernel = affine.kernel[:, :, kept] if depthwise else affine.kernel[..., kept]
    return Affine(affine.kind, kernel, affine.bias[kept])


def _applied(affine: Affine, x: Floats, *, stride: int = 1) -> Floats:
    """Convolve as Keras' MobileNetV2 pads even feature maps: (0, 1) before a stride of 2."""
    if affine.kernel.shape[0] == 3:
        before = 1 if stride == 1 else 0
        x = np.pad(x, ((0, 0), (before, 1), (before, 1), (0, 0)))
    convolve: Callable[..., object] = ops.depthwise_conv if affine.kind == "depthwise" else ops.conv
    y = convolve(x, affine.kernel, strides=stride, padding="valid", data_format="channels_last")
    return np.asarray(ops.convert_to_numpy(y) + affine.bias, np.float32)


def _lost(values: Floats, wanted: Floats, basis: Basis) -> float:
    goal = _flat(wanted) - basis.mean
    return float(np.square(goal - _flat(values) @ basis.axes.T).sum() / np.square(goal).sum())


def _standardized(rows: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    return np.asarray((rows - rows.mean(0)) / np.maximum(rows.std(0), 1e-6))


def _relu6(x: Floats) -> Floats:
    return np.clip(x, 0, 6)


def _flat(x: Floats) -> Floats:
    return x.reshape(-1, x.shape[-1])


def _as_1x1(kernel: Doubles) -> Floats:
    return kernel.astype(np.float32)[None, None]


def _batches(values: Floats) -> list[Floats]:
    return [values[start : start + BATCH] for start in range(0, len(values), BATCH)]
