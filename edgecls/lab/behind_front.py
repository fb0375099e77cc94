"""Put the first layers of preprocessing before a network that is built already."""

from __future__ import annotations

from typing import Any

import keras

from edgecls.lab.fake_quant import copy_weights
from edgecls.lab.networks.network import Network
from edgecls.lab.preprocessing import Front, with_front


def behind_front(network: Network, front: Front) -> Network:
    """Return a flat copy of a network, weights included, whose image goes through `front` first.

    The backbone that pretrained weights belong to begins behind the first layers.
    """
    model = network.model
    image = keras.Input(model.input.shape[1:], name="image")
    seen = with_front(image, front)

    def clone(operation: keras.Operation) -> keras.Operation:
        return type(operation).from_config(operation.get_config())

    def call(
        operation: keras.Operation, *args: Any, **options: Any
    ) -> Any:  # Any: as Keras calls layers
        given = keras.tree.map_structure(lambda part: seen if part is image else part, args)
        return operation(*given, **options)

    copy = keras.models.clone_model(
        model, input_tensors=image, clone_function=clone, call_function=call
    )
    copy_weights(model, copy)
    backbone = network.backbone
    if backbone is not None:
        backbone = keras.Model(seen, _same(copy, backbone.output), name=backbone.name)
    heat = None if network.heat is None else _same(copy, network.heat)
    return Network(copy, backbone, _same(copy, network.features), heat)


def _same(copy: keras.Model, tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Return the tensor of the copy that stands where `tensor` stands in the original."""
    history = tensor._keras_history  # Keras offers no public way
    operation = next(each for each in copy.operations if each.name == history.operation.name)
    return keras.tree.flatten(operation.output)[history.tensor_index]
