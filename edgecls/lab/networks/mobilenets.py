"""MobileNet 1 to 3 of keras.applications, with our head."""

from __future__ import annotations

import keras

from edgecls.lab.networks.network import Network, with_head


def mobilenet_v1(
    image: keras.KerasTensor, classes: int, *, width: float = 1.0, dropout: float = 0.2
) -> Network:
    """Build MobileNet (Howard et al. 2017) of any width."""
    backbone = keras.applications.MobileNet(
        alpha=width, input_tensor=image, include_top=False, weights=None
    )
    return with_head(image, backbone, classes, dropout=dropout, name="mobilenet_v1")


def mobilenet_v2(
    image: keras.KerasTensor, classes: int, *, width: float = 1.0, dropout: float = 0.2
) -> Network:
    """Build MobileNetV2 (Sandler et al. 2018) of any width."""
    backbone = keras.applications.MobileNetV2(
        alpha=width, input_tensor=image, include_top=False, weights=None
    )
    return with_head(image, backbone, classes, dropout=dropout, name="mobilenet_v2")


def mobilenet_v3_small(
    image: keras.KerasTensor,
    classes: int,
    *,
    width: float = 1.0,
    minimalistic: bool = False,
    dropout: float = 0.2,
) -> Network:
    """Build MobileNetV3 small (Howard et al. 2019).

    Args:    minimalistic: no squeeze-and-excite, no hard-swish, 3x3 only; kinder to int8.
    """
    backbone = keras.applications.MobileNetV3Small(
        alpha=width, minimalistic=minimalistic, input_tensor=image, include_top=False,
        weights=None, include_preprocessing=False,
    )  # fmt: skip
    return with_head(image, backbone, classes, dropout=dropout, name="mobilenet_v3_small")


def mobilenet_v3_large(
    image: keras.KerasTensor,
    classes: int,
    *,
    width: float = 1.0,
    minimalistic: bool = False,
    dropout: float = 0.2,
) -> Network:
    """Build MobileNetV3 large; as `mobilenet_v3_small`."""
    backbone = keras.applications.MobileNetV3Large(
        alpha=width, minimalistic=minimalistic, input_tensor=image, include_top=False,
        weights=None, include_preprocessing=False,
    )  # fmt: skip
    return with_head(image, backbone, classes, dropout=dropout, name="mobilenet_v3_large")
