"""The one preprocessing: what each rule does, and that all paths give the same bits."""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numpy as np
import pytest

from edgecls.bundle.manifest import InputRule
from edgecls.bundle.preprocess import Preprocessor, normalised, quantized, resized
from edgecls.errors import BundleError, ImageError
from edgecls.types import TensorSpec
from tests.tiny_bundles import picture

PHOTO = cv2.resize(  # smooth, so that resizing has something to get wrong
    np.random.default_rng(3).integers(0, 256, (6, 9, 3), np.uint8),
    (97, 61),
    interpolation=cv2.INTER_CUBIC,
)


def rule(**changes: Any) -> InputRule:
    channels = 1 if changes.get("color") == "grey" else 3
    base = {"width": 16, "height": 12, "mean": [0.0] * channels, "std": [255.0] * channels}
    return InputRule.model_validate({**base, **changes})


def spec(shape: tuple[int, ...], dtype: str = "float32", *q: Any) -> TensorSpec:
    return TensorSpec("image", shape, dtype, *q)


class TestResized:
    def test_stretch_fills_the_input(self) -> None:
        expected = cv2.resize(PHOTO, (16, 12), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(resized(PHOTO, rule()), expected)

    def test_bilinear(self) -> None:
        expected = cv2.resize(PHOTO, (16, 12), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_array_equal(resized(PHOTO, rule(interpolation="bilinear")), expected)

    def test_the_right_size_is_left_alone(self) -> None:
        exact = np.ascontiguousarray(PHOTO[:12, :16])
        np.testing.assert_array_equal(resized(exact, rule()), exact)

    def test_letterbox_keeps_the_aspect_between_bars(self) -> None:
        wide = picture(200, 100, 50, width=40, height=10)
        sized = resized(wide, rule(resize="letterbox"))
        assert (sized[4:8] == (200, 100, 50)).all()  # 40x10 becomes 16x4, centred in 12
        assert (sized[:4] == 114).all()
        assert (sized[8:] == 114).all()

    def test_letterbox_takes_its_own_bars(self) -> None:
        tall = picture(200, 100, 50, width=10, height=40)
        sized = resized(tall, rule(resize="letterbox", pad_value=0))
        assert (sized[:, 6:9] == (200, 100, 50)).all()
        assert (sized[:, :6] == 0).all()

    def test_center_crop_cuts_the_long_side_evenly(self) -> None:
        striped = np.concatenate([picture(255, 0, 0, 20, 30), picture(0, 255, 0, 40, 30)], axis=1)
        striped = np.concatenate([striped, picture(0, 0, 255, 20, 30)], axis=1)
        sized = resized(striped, rule(resize="center_crop"))  # 80x30 is cut to 40x30
        assert (sized == (0, 255, 0)).all()

    def test_bgr_swaps_and_grey_weighs(self) -> None:
        rgb = resized(PHOTO, rule())
        np.testing.assert_array_equal(resized(PHOTO, rule(color="bgr")), rgb[:, :, ::-1])
        grey = resized(PHOTO, rule(color="grey"))
        assert grey.shape == (12, 16, 1)
        weighed = rgb @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601; rounding costs half a level
        assert np.abs(grey[:, :, 0] - weighed).max() <= 0.51

    @pytest.mark.parametrize("resize", ["stretch", "letterbox", "center_crop"])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3)])
    def test_odd_shapes(self, resize: str, shape: tuple[int, int]) -> None:
        pixels = np.full((*shape, 3), 7, np.uint8)
        assert resized(pixels, rule(resize=resize)).shape == (12, 16, 3)

    def test_views_are_as_good_as_copies(self) -> None:
        for view in (PHOTO[5:50, 7:80], PHOTO[::-1, ::-1], PHOTO[::2, ::3], PHOTO[:, :, ::-1]):
            for resize in ("stretch", "letterbox", "center_crop"):
                np.testing.assert_array_equal(
                    resized(view, rule(resize=resize)), resized(view.copy(), rule(resize=resize))
                )

    @pytest.mark.parametrize(
        "wrong",
        [
            np.zeros((5, 5), np.uint8),
            np.zeros((5, 5, 4), np.uint8),
            np.zeros((5, 5, 3), np.float32),
            np.zeros((0, 5, 3), np.uint8),
        ],
    )
    def test_other_arrays_are_refused(self, wrong: np.ndarray) -> None:
        with pytest.raises(ImageError, match="expected RGB uint8 pixels"):
            resized(wrong, rule())


class TestPreprocessor:
    RULES = (
        rule(),
        rule(mean=[127.5] * 3, std=[127.5] * 3, resize="letterbox"),
        rule(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], resize="center_crop"),
        rule(color="bgr", mean=[1, 2, 3], std=[255, 254, 253]),
        rule(color="grey"),
    )
    QUANTIZATIONS = (
        ("float32", None, None),
        ("float16", None, None),
        ("int8", 0.003921569, -128),
        ("int8", 0.02, 3),
        ("uint8", 0.003921569, 0),
        ("uint8", None, None),
    )

    @pytest.mark.parametrize(
        ("rule", "quantization", "first"),
        list(itertools.product(RULES, QUANTIZATIONS, (False, True))),
    )
    def test_every_path_gives_the_bits_of_the_plain_one(
        self, rule: InputRule, quantization: tuple[str, Any, Any], first: bool
    ) -> None:
        shape = (1, rule.channels, 12, 16) if first else (1, 12, 16, rule.channels)
        wanted = spec(shape, *quantization)
        plain = quantized(normalised(resized(PHOTO, rule), rule), wanted)[np.newaxis]
        tensor = Preprocessor(rule, wanted)(PHOTO)
        assert (tensor.shape, tensor.dtype) == (shape, np.dtype(quantization[0]))
        np.testing.assert_array_equal(tensor, plain.transpose(0, 3, 1, 2) if first else plain)

    def test_normalised_is_the_formula(self) -> None:
        imagenet = self.RULES[2]
        u8 = resized(PHOTO, imagenet)
        expected = (u8 - np.array(imagenet.mean)) / np.array(imagenet.std)
        np.testing.assert_array_equal(normalised(u8, imagenet), expected.astype(np.float32))

    def test_the_callers_pixels_stay(self) -> None:
        pixels = np.ascontiguousarray(PHOTO[:12, :16])  # the right size: nothing is copied
        kept = pixels.copy()
        tensor = Preprocessor(rule(), spec((1, 12, 16, 3)))(pixels)
        tensor[:] = 0
        np.testing.assert_array_equal(pixels, kept)

    def test_tensors_are_not_shared_between_calls(self) -> None:
        preprocess = Preprocessor(rule(), spec((1, 12, 16, 3)))
        first = preprocess(PHOTO)
        kept = first.copy()
        preprocess(PHOTO[::-1])
        np.testing.assert_array_equal(first, kept)

    @pytest.mark.parametrize("shape", [(1, 16, 12, 3), (1, 12, 16, 1), (2, 12, 16, 3), (12, 16, 3)])
    def test_a_rule_that_does_not_fit_the_model(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(BundleError, match=r"gives \(1, 12, 16, 3\).*the model expects"):
            Preprocessor(rule(), spec(shape))

    def test_a_dtype_nobody_can_make(self) -> None:
        with pytest.raises(BundleError, match="input is int64"):
            Preprocessor(rule(), spec((1, 12, 16, 3), "int64"))


def test_quantized_rounds_halves_away_from_zero_as_tflite_does() -> None:
    wanted = TensorSpec("q", (6,), "int8", 0.5, 10)
    real = np.array([0.25, -0.25, 0.75, -0.75, 1000, -1000], np.float32)
    assert quantized(real, wanted).tolist() == [11, 9, 12, 8, 127, -128]
