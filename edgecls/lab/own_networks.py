"""Networks of the user's own, "module:function": found, checked before training, unrolled."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import layers

from edgecls.errors import ConfigError
from edgecls.lab.networks.network import Network
from edgecls.lab.quantization.fold import flattened

PATH_HINT = "the module must be importable: set PYTHONPATH to its folder"
PROBABILITIES = (keras.activations.softmax, keras.activations.sigmoid)


def own_builder(name: str) -> Callable[..., Any]:  # Any: the user's own function
    """Return the function of "module:function". Raises: ConfigError when it cannot be found."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise ConfigError(
            f"architecture {name!r} cannot be found: expected module:function", hint=PATH_HINT
        )
    try:
        return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]
    except (ModuleNotFoundError, AttributeError) as error:
        raise ConfigError(
            f"architecture {name!r} cannot be found: {error}", hint=PATH_HINT
        ) from error


def import_own_layers(model: Path) -> None:
    """Import the module that a run's network comes from, so that Keras knows the layers in it.

    A module that is not to be found may not be needed: Keras names the layer it misses.

    Args:    model: a file in a run's folder; without a recipe beside it nothing is imported.
    """
    try:
        recipe = json.loads((model.parent / "recipe.json").read_text(encoding="utf-8"))
        name = str(recipe["architecture"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # not a run's folder
    if ":" in name:
        with contextlib.suppress(ConfigError):
            own_builder(name)


def network_of(model: object, name: str, shape: tuple[int, ...]) -> Network:
    """Find where the head of a user's own Keras model begins: its last dense layer.

    Models inside the model are unrolled, so that phases, int8 training and counts see every layer.

    Args:    shape: of the image it was asked to be built on, (H, W, C).
    Raises:  ConfigError for a model that could not be trained, saved or exported.
    """
    flat = _unrolled(_functional(model, name), name)
    if len(flat.inputs) != 1 or tuple(flat.inputs[0].shape) != (None, *shape):
        taken = ", ".join(str(tuple(tensor.shape)) for tensor in flat.inputs)
        raise ConfigError(
            f"{name} gives a model that takes {taken}, expected {(None, *shape)}",
            hint="build it on the image that the function is given",
        )
    dense = [layer for layer in flat.layers if isinstance(layer, layers.Dense)]
    if len(flat.outputs) != 1 or not dense:
        raise ConfigError(f"{name} must return a Keras model whose last layer is Dense")
    last = flat.outputs[0]._keras_history.operation  # Keras offers no public way
    if isinstance(last, layers.Softmax) or getattr(last, "activation", None) in PROBABILITIES:
        raise ConfigError(
            f"{name} ends in probabilities ({last.name}), expected logits",
            hint="leave the last activation out: the suite applies it",
        )
    _check_saving(flat, name)
    return Network(flat, None, dense[-1].input)


def _functional(model: object, name: str) -> keras.Model:
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ConfigError(
            f"{name} must return a functional Keras model, received {type(model).__name__}",
            hint="end it with: return keras.Model(image, logits)",
        )
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def _unrolled(model: keras.Model, name: str) -> keras.Model:
    try:
        return flattened(model)
    except ValueError as error:
        raise ConfigError(
            f"{name}: the models inside its model cannot be unrolled: {_reason(error)}",
            hint="give every layer a name of its own, and use each inner model once",
        ) from error


def _check_saving(model: keras.Model, name: str) -> None:
    """Read the model's description back, as `edgecls quantize` has to."""
    try:
        written = keras.saving.serialize_keras_object(model)
        keras.saving.deserialize_keras_object(written)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ConfigError(
            f"{name} gives a model that could not be read back from its file: {_reason(error)}",
            hint="decorate layers of your own with @keras.saving.register_keras_serializable() "
            "and give them get_config; use no Lambda layer",
        ) from error


def _reason(error: Exception) -> str:
    """Return the first line of what is behind Keras's message, without its configurations."""
    text = str(error).rpartition("Exception encountered: ")[2].strip()
    return text.partition("\n")[0].partition(" Full object config")[0]
