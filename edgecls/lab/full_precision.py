"""Give a network that was trained in mixed precision back in float32, as exporters want it."""

from __future__ import annotations

from typing import Any

import keras


def in_float32(model: keras.Model) -> keras.Model:
    """Return the network with every layer computing in float32; itself if all do.

    Mixed precision keeps weights in float32 and computes in float16 or bfloat16: the weights are
    the same, and what is exported or measured is what a device computes.
    """
    if all(layer.compute_dtype in ("float32", None) for layer in _layers(model)):
        return model
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")  # for layers that do not keep theirs, such as inputs
    try:
        copy = keras.models.clone_model(model, clone_function=_layer_in_float32, recursive=True)
    finally:
        keras.config.set_dtype_policy(policy)
    copy.set_weights(model.get_weights())
    return copy


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    return list(model._flatten_layers(include_self=False))


def _layer_in_float32(layer: keras.layers.Layer) -> keras.layers.Layer:
    return layer.__class__.from_config(_config_in_float32(layer.get_config()))


def _config_in_float32(config: Any) -> Any:  # Any: JSON
    """Replace every dtype of a layer's configuration, those of layers inside it included."""
    if isinstance(config, list | tuple):
        return type(config)(_config_in_float32(item) for item in config)
    if not isinstance(config, dict):
        return config
    return {
        key: "float32" if key == "dtype" else _config_in_float32(value)
        for key, value in config.items()
    }
