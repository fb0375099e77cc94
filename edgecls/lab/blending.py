"""Average trained weights with those that training began from.

A network that was tuned further and the one it came from lie in one valley of the loss: a point
between them is often better than either where neither was trained (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models", https://arxiv.org/abs/2109.01903).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras

from edgecls.lab.bundle_weights import (
    BundleWeightsError,
    affine_layers,
    fill_layers,
    is_bundle,
    layers_of_bundle,
)
from edgecls.lab.export import onnx_from_keras
from edgecls.lab.recipe import Architecture
from edgecls.lab.weights import WeightsError


def check_start_share(choice: Architecture) -> None:
    """Say before training what could not be done after it. Raises: WeightsError."""
    if choice.start_share and not is_bundle(Path(choice.weights)):
        raise WeightsError(
            f"architecture.start_share = {choice.start_share:g} averages with the start weights, "
            f"expected a bundle as architecture.weights, received {choice.weights!r}",
            hint="make one of them with edgecls quantize, or leave start_share out",
        )


def keep_of_start(model: keras.Model, bundle: Path, share: float) -> None:
    """Move a network's weights by `share` (0 to 1) of the way back to a bundle's.

    BatchNorm is folded first, so that layers are averaged by what they compute; what comes back is
    folded as well, as in `load_from_bundle`.

    Raises:  BundleWeightsError for a bundle of another network.
    """
    ours, theirs = affine_layers(onnx_from_keras(model).graph), layers_of_bundle(bundle)
    if [one.key for one in ours] != [one.key for one in theirs]:
        raise BundleWeightsError(
            f"{bundle} does not fit {model.name}: its layers are others",
            hint="compare architecture.name and its options with how the bundle was made",
        )
    mixed = [
        replace(
            one,
            kernel=(1 - share) * one.kernel + share * other.kernel,
            bias=(1 - share) * one.bias + share * other.bias,
        )
        for one, other in zip(ours, theirs, strict=True)
    ]
    fill_layers(model, mixed, origin=str(bundle))
