"""Properties of preprocessing and quantization that hold for every rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import Preprocessor, normalised, quantized, real_table, resized
from edgecls.bundle.scores import dequantized
from edgecls.types import TensorSpec

COLORS = st.sampled_from(["rgb", "bgr", "grey"])
PIXELS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))


@st.composite
def rules(draw: st.DrawFn) -> InputRule:
    color = draw(COLORS)
    channels = 1 if color == "grey" else 3
    values = {
        "width": draw(st.integers(1, 20)),
        "height": draw(st.integers(1, 20)),
        "color": color,
        "resize": draw(st.sampled_from(["stretch", "letterbox", "center_crop"])),
        "interpolation": draw(st.sampled_from(["area", "bilinear"])),
        "mean": draw(st.lists(st.floats(-300, 300), min_size=channels, max_size=channels)),
        "std": draw(st.lists(st.floats(0.01, 300), min_size=channels, max_size=channels)),
    }
    return InputRule.model_validate(values)


@st.composite
def quantizations(draw: st.DrawFn) -> TensorSpec:
    dtype = draw(st.sampled_from(["float32", "int8", "uint8"]))
    if dtype == "float32":
        return TensorSpec("x", (), dtype)
    scale = float(np.float32(draw(st.floats(1e-3, 10))))
    limits = np.iinfo(dtype)
    return TensorSpec("x", (), dtype, scale, draw(st.integers(limits.min, limits.max)))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(PIXELS, rules(), quantizations(), st.booleans())
def test_the_fast_path_is_the_plain_path(
    pixels: np.ndarray, rule: InputRule, q: TensorSpec, first: bool
) -> None:
    height, width, channels = rule.height, rule.width, rule.channels
    shape = (1, channels, height, width) if first else (1, height, width, channels)
    spec = TensorSpec("x", shape, q.dtype, q.scale, q.zero_point)
    plain = quantized(normalised(resized(pixels, rule), rule), spec)[np.newaxis]
    tensor = Preprocessor(rule, spec)(pixels)
    if shape == plain.shape:  # a model of 3x3x3 or 1x1 reads as channels last
        np.testing.assert_array_equal(tensor, plain)
    else:
        np.testing.assert_array_equal(tensor, plain.transpose(0, 3, 1, 2))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(PIXELS, rules())
def test_resizing_invents_no_extremes(pixels: np.ndarray, rule: InputRule) -> None:
    sized = resized(pixels, rule)
    assert sized.shape == (rule.height, rule.width, rule.channels)
    low, high = int(pixels.min()), int(pixels.max())
    if rule.resize == "letterbox":
        low, high = min(low, rule.pad), max(high, rule.pad)
    # grey is a weighted mean whose rounding may cost one level
    assert low - 1 <= int(sized.min())
    assert int(sized.max()) <= high + 1


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 255), rules())
def test_one_colour_stays_one_colour(level: int, rule: InputRule) -> None:
    sized = resized(np.full((9, 9, 3), level, np.uint8), rule)
    bars = (sized == rule.pad) & (rule.resize == "letterbox")
    assert ((sized == level) | bars).all()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(arrays.arrays(np.float32, 20, elements=st.floats(-1e4, 1e4, width=32)), quantizations())
def test_quantizing_loses_at_most_half_a_step(real: np.ndarray, spec: TensorSpec) -> None:
    back = dequantized(quantized(real, spec), spec)
    if spec.scale is None:
        np.testing.assert_array_equal(back, real)
        return
    limits = np.iinfo(spec.dtype)
    ends = np.array([limits.min, limits.max], spec.dtype)
    low, high = dequantized(ends, spec)
    # half a step, and float32's own rounding of real / scale near the ends of the range
    tolerance = spec.scale * (0.5 + 1e-3)
    assert (np.abs(back - np.clip(real, low, high)) <= tolerance).all()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rules())
def test_brighter_pixels_never_give_smaller_values(rule: InputRule) -> None:
    assert (np.diff(real_table(rule), axis=0) >= 0).all()
