"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excite, with ReLU6, made for int8."""

from __future__ import annotations

import keras
from keras import layers

from edgecls.lab.networks.network import Network, with_head

STAGES = (
    # expansion, kernel, stride, repeats, channels
    (1, 3, 1, 1, 16),
    (6, 3, 2, 2, 24),
    (6, 5, 2, 2, 40),
    (6, 3, 2, 3, 80),
    (6, 5, 1, 3, 112),
    (6, 5, 2, 4, 192),
    (6, 3, 1, 1, 320),
)
STEM_CHANNELS = 32
TOP_CHANNELS = 1280


def efficientnet_lite0(image: keras.KerasTensor, classes: int, *, dropout: float = 0.2) -> Network:
    """Build EfficientNet-Lite0 as TensorFlow's tpu repository defines it (Tan and Le 2019)."""
    x = _conv_relu6(image, STEM_CHANNELS, kernel=3, stride=2, name="stem")
    for number, (expansion, kernel, stride, repeats, channels) in enumerate(STAGES, start=1):
        for repeat in range(repeats):
            x = _block(
                x, channels, expansion=expansion, kernel=kernel,
                stride=stride if repeat == 0 else 1, name=f"block{number}{'abcd'[repeat]}",
            )  # fmt: skip
    top = _conv_relu6(x, TOP_CHANNELS, kernel=1, stride=1, name="top")
    backbone = keras.Model(image, top, name="efficientnet_lite0_backbone")
    return with_head(image, backbone, classes, dropout=dropout, name="efficientnet_lite0")


def _block(
    x: keras.KerasTensor, channels: int, *, expansion: int, kernel: int, stride: int, name: str
) -> keras.KerasTensor:
    """Widen, filter depthwise, narrow; add the input where the shapes agree."""
    start, width = x, int(x.shape[-1])
    if expansion > 1:
        x = _conv_relu6(x, width * expansion, kernel=1, stride=1, name=f"{name}_expand")
    x = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_norm(x, f"{name}_depthwise"))
    x = layers.Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}_project")(x)
    x = _norm(x, f"{name}_project")
    if stride == 1 and width == channels:
        x = layers.Add(name=f"{name}_add")([x, start])
    return x


def _conv_relu6(
    x: keras.KerasTensor, channels: int, *, kernel: int, stride: int, name: str
) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(_norm(x, name))


def _norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_bn")(x)
