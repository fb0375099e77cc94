"""Build the network that a recipe names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from edgecls import plugins
from edgecls._lib.validation import suggestion
from edgecls.errors import ConfigError
from edgecls.lab.behind_front import behind_front
from edgecls.lab.networks import NETWORKS
from edgecls.lab.networks.network import Network
from edgecls.lab.own_networks import network_of, own_builder
from edgecls.lab.preprocessing import Front
from edgecls.lab.recipe import Architecture, OptionValue


def network_from(
    choice: Architecture, *, size_px: int, classes: int, front: Front | None = None
) -> Network:
    """Build a network, weights at random.

    A name of the table, or "module:function": a function (image, classes, **options) that returns a
    Network, or a Keras model of the input (size_px, size_px, 3) that ends in logits.

    Raises:  ConfigError for an unknown name, option, or a model of another shape.
    """
    build = _builder(choice.name)
    _check_options(build, choice)
    image = keras.Input((size_px, size_px, 3), name="image")
    try:
        built = build(image, classes, **choice.options)
    except (ValueError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"architecture {choice.name!r} cannot be built for {size_px} px and {classes} classes: "
            f"{reason}"
        ) from error
    own = (size_px, size_px, 3)
    network = built if isinstance(built, Network) else network_of(built, choice.name, own)
    shape = tuple(network.model.output.shape)
    if shape != (None, classes):
        raise ConfigError(
            f"architecture {choice.name!r} gives {shape}, expected (None, {classes}): one logit "
            "per class"
        )
    return network if front is None else behind_front(network, front)


def _builder(name: str) -> Callable[..., Any]:  # Any: the user's own function
    if ":" not in name:
        return plugins.load("architecture", NETWORKS, name)  # type: ignore[no-any-return]
    return own_builder(name)


def _check_options(build: Callable[..., Any], choice: Architecture) -> None:
    parameters = inspect.signature(build).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return
    offered = list(parameters)[2:]
    for name in choice.options:
        if name not in offered:
            raise ConfigError(
                f"architecture.options.{name}: {choice.name} has no such option, "
                f"{suggestion(name, offered)}"
            )


def option(choice: Architecture, name: str, default: float) -> float:
    """Return a numeric option of the recipe's architecture."""
    value: OptionValue = choice.options.get(name, default)
    return float(value)


def freeze(network: Network, *, train: str, batch_norm: str, momentum: float) -> None:
    """Choose which layers a phase trains.

    Args:    train: "all", "head", or the name of the layer from which on weights move.
             batch_norm: "frozen" keeps stored statistics, scale and shift; "adapt" trains them.
             momentum: of the statistics, with "adapt".
    Raises:  ConfigError for a layer that does not exist.
    """
    model = network.model
    check_layer(network, train)
    names = [layer.name for layer in model.layers]
    head = _after(model, network.features)
    from_layer = names.index(train) if train in names else 0
    for index, layer in enumerate(model.layers):
        fixed = layer.name in _FRONT_NAMES
        moves = layer.name in head if train == "head" else index >= from_layer
        layer.trainable = moves and not fixed
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = layer.trainable and batch_norm == "adapt"
            layer.momentum = momentum if batch_norm == "adapt" else layer.momentum


def check_layer(network: Network, train: str) -> None:
    """Raise ConfigError when a phase's `train` names no layer, with the nearest one."""
    names = [layer.name for layer in network.model.layers]
    if train not in ("all", "head", *names):
        head = _after(network.model, network.features)
        raise ConfigError(
            f"phase: train = {train!r} names no layer of {network.model.name}",
            hint=suggestion(train, [n for n in names if n not in head]),
        )


_FRONT_NAMES = ("mean_image", "whitening")


def _after(model: keras.Model, features: keras.KerasTensor) -> set[str]:
    """Return the names of the layers that lie between the features and the outputs."""
    return {layer.name for layer in keras.Model(features, model.output).layers}


def resized(network: Network, choice: Architecture, size_px: int) -> Network:
    """Rebuild a network for another input size, with the same weights."""
    classes = int(network.model.output.shape[-1])
    other = network_from(choice, size_px=size_px, classes=classes)
    shapes = [tuple(w.shape) for w in network.model.weights]
    if shapes != [tuple(w.shape) for w in other.model.weights]:
        raise ConfigError(
            f"architecture {choice.name!r} has other weights at {size_px} px: its phases need one "
            "size"
        )
    other.model.set_weights(network.model.get_weights())
    return other
