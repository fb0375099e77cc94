"""The one preprocessing: training, calibration, evaluation and the daemon all come here.

Every path from pixels to tensor gives the same bits: a picture is resized to uint8 first, and from
there on each value is looked up in a table of 256 entries per channel, so that the quantized tensor
is the quantized float tensor and nothing in between can differ.
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edgecls.bundle.manifest import InputRule
from edgecls.errors import BundleError, ImageError
from edgecls.types import Pixels, TensorSpec

Tensor = npt.NDArray[Any]  # Any: float32, float16, int8 or uint8, as the model wants

_INTERPOLATION = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR}
_DTYPES = ("float32", "float16", "int8", "uint8", "int16")


def resized(pixels: Pixels, rule: InputRule) -> npt.NDArray[np.uint8]:
    """Bring a picture to the model's size and colour order.

    stretch fills the input, whatever the aspect; letterbox keeps the aspect and fills the rest with
    `rule.pad`; center_crop cuts the largest centred window of the input's aspect.

    Args:    pixels: RGB uint8, shape (H, W, 3); a view is fine. Not written to.
    Returns: uint8, shape (rule.height, rule.width, channels); may share memory with `pixels`.
    Raises:  ImageError for anything that is not such an array.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ImageError(
            f"expected RGB uint8 pixels of shape (H, W, 3), received {pixels.dtype} {pixels.shape}"
        )
    if rule.resize == "letterbox":
        sized = _letterboxed(pixels, rule)
    elif rule.resize == "center_crop":
        sized = _scaled(_centre(pixels, rule), rule.width, rule.height, rule)
    else:
        sized = _scaled(pixels, rule.width, rule.height, rule)
    if rule.color == "bgr":
        return np.asarray(cv2.cvtColor(sized, cv2.COLOR_RGB2BGR), np.uint8)
    if rule.color == "grey":
        return np.asarray(cv2.cvtColor(sized, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, np.newaxis]
    return sized


def normalised(u8: npt.NDArray[np.uint8], rule: InputRule) -> npt.NDArray[np.float32]:
    """Turn resized pixels into the real values the model was trained on: (pixel - mean) / std.

    Args:    u8: as `resized` returns it, shape (h, w, channels).
    Returns: float32, same shape.
    """
    return np.asarray(_looked_up(u8, _real_lut(rule)), np.float32)


def real_table(rule: InputRule) -> npt.NDArray[np.float32]:
    """Return the real value of every pixel value: float32, shape (256, channels)."""
    pixel = np.arange(256, dtype=np.float64)[:, np.newaxis]
    real = (pixel - np.array(rule.mean)) / np.array(rule.std)
    return np.asarray(real, np.float32)


def quantized(real: npt.NDArray[np.float32], spec: TensorSpec) -> Tensor:
    """Turn real values into a tensor of `spec.dtype`; float dtypes are cast only.

    q = clip(round(real / scale) + zero_point), computed in float32 and halves away from zero, as
    TensorFlow Lite's own QUANTIZE operator does. Integers without a scale are rounded.

    Returns: `spec.dtype`, the shape of `real`.
    """
    if spec.dtype.startswith("float"):
        return real.astype(spec.dtype)
    limits = np.iinfo(spec.dtype)
    steps = real / np.float32(spec.scale or 1.0)
    whole = np.copysign(np.floor(np.abs(steps) + np.float32(0.5)), steps)
    kept = np.clip(whole + (spec.zero_point or 0), limits.min, limits.max)
    return np.asarray(kept, spec.dtype)


class Preprocessor:
    """Make the input tensor of one model from a picture.

    Args:    rule: of the bundle.   spec: of the loaded model; its shape tells NHWC from NCHW.
    Raises:  BundleError when the rule does not fit the model.
    """

    def __init__(self, rule: InputRule, spec: TensorSpec) -> None:
        height, width, channels = rule.height, rule.width, rule.channels
        self._channels_first = spec.shape == (1, channels, height, width)
        if spec.shape != (1, height, width, channels) and not self._channels_first:
            raise BundleError(
                f"the input rule gives {(1, height, width, channels)} or, channels first, "
                f"{(1, channels, height, width)}; the model expects {spec.shape}",
                hint="correct width, height or color in the bundle's input rule",
            )
        if spec.dtype not in _DTYPES:
            raise BundleError(
                f"the model's input is {spec.dtype}, expected one of {', '.join(_DTYPES)}"
            )
        self._rule, self._spec = rule, spec
        table = quantized(real_table(rule), spec)
        self._lut = _lut_from_table(table)
        self._plane_luts = [_lut_from_table(table[:, [c]]) for c in range(channels)]

    def __call__(self, pixels: Pixels) -> Tensor:
        """Return the tensor of `spec.shape` and `spec.dtype` for RGB uint8 pixels (H, W, 3).

        The caller owns it.
        """
        u8 = resized(pixels, self._rule)
        if not self._channels_first:
            return _looked_up(u8, self._lut)[np.newaxis]
        planes = np.empty(self._spec.shape, self._spec.dtype)
        for channel, lut in enumerate(self._plane_luts):
            planes[0, channel] = _looked_up(u8[:, :, channel], lut)
        return planes


@functools.lru_cache(maxsize=16)
def _real_lut(rule: InputRule) -> Tensor:
    return _lut_from_table(real_table(rule))


def _lut_from_table(table: Tensor) -> Tensor:
    """Return `table`, (256, channels), as OpenCV wants it: (1, 256, channels or 1)."""
    if (table == table[:, :1]).all():  # one table for all channels is twice as fast
        table = table[:, :1]
    return np.ascontiguousarray(table).reshape(1, 256, -1)


def _looked_up(u8: npt.NDArray[np.uint8], lut: Tensor) -> Tensor:
    """Replace each value of `u8`, (h, w, channels) or (h, w), by its entry in `lut`."""
    if lut.dtype == np.float16:  # OpenCV's tables know no float16
        halves = lut[0, u8, 0] if lut.shape[2] == 1 else lut[0, u8, np.arange(lut.shape[2])]
        return np.asarray(halves)
    return np.asarray(cv2.LUT(u8, lut)).reshape(u8.shape)


def _scaled(pixels: Pixels, width: int, height: int, rule: InputRule) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    size = (width, height)
    return np.asarray(cv2.resize(pixels, size, interpolation=_INTERPOLATION[rule.interpolation]))


def _letterboxed(pixels: Pixels, rule: InputRule) -> Pixels:
    scale = min(rule.width / pixels.shape[1], rule.height / pixels.shape[0])
    width = min(rule.width, max(1, round(pixels.shape[1] * scale)))
    height = min(rule.height, max(1, round(pixels.shape[0] * scale)))
    left, top = (rule.width - width) // 2, (rule.height - height) // 2
    sized = np.full((rule.height, rule.width, 3), rule.pad, np.uint8)
    sized[top : top + height, left : left + width] = _scaled(pixels, width, height, rule)
    return sized


def _centre(pixels: Pixels, rule: InputRule) -> Pixels:
    height, width = pixels.shape[:2]
    cut_width = min(width, max(1, round(height * rule.width / rule.height)))
    cut_height = min(height, max(1, round(width * rule.height / rule.width)))
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    return pixels[top : top + cut_height, left : left + cut_width]
