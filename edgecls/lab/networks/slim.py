"""MobileNetV2 (Sandler et al. 2018), narrowed to 15 M multiply-accumulates at 128 px."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual.

    Args:    expanded: channels inside; None: as many as come in, without the 1x1 convolution.
             out: channels that go out.   stride: of the depthwise convolution.
    """

    expanded: int | None
    out: int
    stride: int = 1


STEM = 16
BLOCKS = (
    Block(None, 8),
    Block(36, 12, stride=2), Block(36, 12),
    Block(48, 16, stride=2), Block(64, 16), Block(64, 16),
    Block(96, 24, stride=2), Block(112, 24), Block(112, 24), Block(112, 24),
    Block(144, 32), Block(144, 32), Block(144, 32),
    Block(192, 56, stride=2), Block(224, 56), Block(224, 56),
    Block(224, 112),
)  # fmt: skip
LAST = 448


def slim_mobilenet_v2(image: keras.KerasTensor) -> keras.Model:
    """Build it without a head, for sizes in steps of 32 px.

    The layers are named as in keras.applications.MobileNetV2.
    """
    x = _convolved(_padded(image, "Conv1_pad"), "Conv1", "bn_Conv1", STEM, 3, stride=2)
    x = layers.ReLU(6.0, name="Conv1_relu")(x)
    for number, block in enumerate(BLOCKS):
        x = _through(x, block, f"block_{number}" if number else "expanded_conv")
    x = layers.ReLU(6.0, name="out_relu")(_convolved(x, "Conv_1", "Conv_1_bn", LAST))
    return keras.Model(image, x, name="slim_mobilenet_v2")


def _through(x: keras.KerasTensor, block: Block, name: str) -> keras.KerasTensor:
    y = x
    if block.expanded is not None:
        y = _convolved(y, f"{name}_expand", f"{name}_expand_BN", block.expanded)
        y = layers.ReLU(6.0, name=f"{name}_expand_relu")(y)
    if block.stride == 2:
        y = _padded(y, f"{name}_pad")
    y = layers.DepthwiseConv2D(
        3, strides=block.stride, padding="valid" if block.stride == 2 else "same",
        use_bias=False, name=f"{name}_depthwise",
    )(y)  # fmt: skip
    y = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_normed(y, f"{name}_depthwise_BN"))
    y = _convolved(y, f"{name}_project", f"{name}_project_BN", block.out)
    if block.expanded is None or block.stride == 2 or x.shape[-1] != block.out:
        return y
    return layers.Add(name=f"{name}_add")([x, y])


def _convolved(
    x: keras.KerasTensor, name: str, norm: str, channels: int, size: int = 1, *, stride: int = 1
) -> keras.KerasTensor:
    made = layers.Conv2D(channels, size, strides=stride, use_bias=False, name=name)
    return _normed(made(x), norm)


def _normed(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)


def _padded(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.ZeroPadding2D(((0, 1), (0, 1)), name=name)(x)
