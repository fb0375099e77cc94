"""ResNet-8 of MLPerf Tiny's image classification benchmark."""

from __future__ import annotations

import keras
from keras import layers, regularizers

from edgecls.lab.networks.network import Network, with_head

DECAY = 1e-4


def resnet8(image: keras.KerasTensor, classes: int, *, dropout: float = 0.0) -> Network:
    """Build the residual net of 3 stacks; 78,666 parameters for 32x32x3 and 10 classes.

    Source:  Banbury et al., MLPerf Tiny Benchmark (2021): its reference model for CIFAR-10.
    """
    x = layers.ReLU(name="stem_relu")(_conv_norm(image, 16, stride=1, name="stem"))
    for stack, (channels, stride) in enumerate(((16, 1), (32, 2), (64, 2)), start=1):
        y = layers.ReLU(name=f"stack{stack}_relu1")(
            _conv_norm(x, channels, stride=stride, name=f"stack{stack}_1")
        )
        y = _conv_norm(y, channels, stride=1, name=f"stack{stack}_2")
        if stride > 1:
            x = layers.Conv2D(
                channels, 1, strides=stride, padding="same", kernel_initializer="he_normal",
                kernel_regularizer=regularizers.L2(DECAY), name=f"stack{stack}_shortcut",
            )(x)  # fmt: skip
        x = layers.ReLU(name=f"stack{stack}_relu2")(layers.Add(name=f"stack{stack}_add")([x, y]))
    backbone = keras.Model(image, x, name="resnet8_backbone")
    return with_head(image, backbone, classes, dropout=dropout, name="resnet8")


def _conv_norm(x: keras.KerasTensor, channels: int, *, stride: int, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels, 3, strides=stride, padding="same", kernel_initializer="he_normal",
        kernel_regularizer=regularizers.L2(DECAY), name=f"{name}_conv",
    )(x)  # fmt: skip
    return layers.BatchNormalization(name=f"{name}_bn")(x)
