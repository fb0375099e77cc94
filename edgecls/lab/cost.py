"""Count what a network costs on a device: parameters and multiply-accumulates."""

from __future__ import annotations

import math

import keras
from keras import layers


def macs_of(model: keras.Model) -> int:
    """Return the multiply-accumulates of one image through convolutions and dense layers.

    Models inside the model are counted as well.
    """
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            total += macs_of(layer)
        elif isinstance(layer, layers.DepthwiseConv2D):
            total += math.prod(layer.output.shape[1:]) * math.prod(layer.kernel_size)
        elif isinstance(layer, layers.Conv2D):
            inputs = int(layer.kernel.shape[2])
            total += math.prod(layer.output.shape[1:]) * math.prod(layer.kernel_size) * inputs
        elif isinstance(layer, layers.Dense):
            total += int(layer.kernel.shape[0]) * int(layer.kernel.shape[1])
    return int(total)
