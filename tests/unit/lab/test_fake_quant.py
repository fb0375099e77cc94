"""Fake quantization computes what int8 files will, and lets gradients through."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from keras import layers, ops  # noqa: E402

from edgecls.errors import ConfigError  # noqa: E402
from edgecls.lab.fake_quant import (  # noqa: E402
    ActivationRange,
    copy_weights,
    fake_quantized,
    fake_quantized_weights,
    ranges_of,
    with_fake_quant,
)
from edgecls.lab.quantization.fold import with_batchnorm_folded  # noqa: E402


def _int8_weights(kernel: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Return int8 weights and back, per output channel, as TFLite stores them."""
    scale = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0) / 127
    return np.round(kernel / scale).clip(-127, 127) * scale


def _net() -> keras.Model:
    keras.utils.set_random_seed(3)
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(6, 3, use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.ReLU(6.0, name="relu")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Add(name="add")([x, y])
    x = layers.Dropout(0.2, name="drop")(layers.GlobalAveragePooling2D(name="mean")(x))
    model = keras.Model(image, layers.Dense(3, name="logits")(x), name="net")
    bn = model.get_layer("bn")
    rng = np.random.default_rng(1)
    bn.set_weights([rng.uniform(0.3, 3, 6), rng.normal(size=6), rng.normal(size=6) / 4,
                    rng.uniform(0.2, 2, 6)])  # fmt: skip
    return model


def test_weights_have_255_levels_per_channel_and_keep_their_extremes() -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 5)).astype(np.float32)
    kernel[..., 2] *= 100
    quantized = np.asarray(fake_quantized_weights(ops.convert_to_tensor(kernel), (0, 1, 2)))
    assert np.allclose(quantized, _int8_weights(kernel), rtol=1e-5, atol=1e-7)
    assert np.allclose(np.abs(quantized).max((0, 1, 2)), np.abs(kernel).max((0, 1, 2)), rtol=1e-6)
    assert not np.asarray(fake_quantized_weights(ops.zeros((3, 3, 1, 2)), (0, 1, 2))).any()


def test_activations_have_256_levels_and_zero_is_one_of_them() -> None:
    x = np.linspace(-3, 9, 5001, dtype=np.float32)
    y = np.asarray(fake_quantized(ops.convert_to_tensor(x), ops.array(-1.0), ops.array(5.0)))
    levels = np.unique(y)
    assert len(levels) == 256
    assert 0.0 in levels
    step = 6 / 255
    inside = (x > -1) & (x < 5)
    assert np.abs(y - x)[inside].max() < step  # half a step, and the shift that makes 0 a level


def test_gradients_pass_inside_the_range_and_stop_outside() -> None:
    """A scalar times an input is trained towards a target: only unclipped inputs can move it."""
    for start, moves in ((0.4, True), (3.0, False)):
        image = keras.Input((1,))
        scale = layers.Dense(1, use_bias=False, name="scale")
        ranged = ActivationRange(name="r")
        model = keras.Model(image, ranged(scale(image)))
        scale.set_weights([np.array([[start]])])
        ranged.set_weights([np.float32(value) for value in (0, 1, 1)])
        ranged.momentum = 1.0  # the range stays where it is
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(np.ones((4, 1)), np.full((4, 1), -1.0))
        assert (scale.get_weights()[0][0, 0] != start) == moves


def test_a_range_takes_the_first_batch_whole_and_then_follows_slowly() -> None:
    layer = ActivationRange(momentum=0.9)
    plain = np.array([[-1.0, 4.0]], np.float32)
    assert np.array_equal(layer(plain), plain)  # no range yet: nothing is changed
    layer(plain, training=True)
    assert (float(layer.low), float(layer.high)) == (-1.0, 4.0)
    layer(np.array([[2.0, 14.0]], np.float32), training=True)
    assert float(layer.low) == pytest.approx(-0.9)  # 0 is always inside
    assert float(layer.high) == pytest.approx(5.0)


def test_rounding_before_folding_is_rounding_after_folding() -> None:
    """Per-channel scales commute with batch normalization: the trained graph is the shipped one."""
    model = _net()
    folded = with_batchnorm_folded(model)
    kernel = np.asarray(folded.get_layer("conv").kernel)
    bn = model.get_layer("bn")
    gamma, _, _, variance = bn.get_weights()
    factor = gamma / np.sqrt(variance + bn.epsilon)
    unfolded = np.asarray(fake_quantized_weights(model.get_layer("conv").kernel.value, (0, 1, 2)))
    assert np.allclose(unfolded * factor, _int8_weights(kernel), rtol=1e-4, atol=1e-6)


def test_a_copy_has_ranges_where_int8_files_store_tensors() -> None:
    model = _net()
    copy = with_fake_quant(model)
    x = np.random.default_rng(2).uniform(-1, 1, (16, 12, 12, 3)).astype(np.float32)
    copy(x, training=True)
    assert set(ranges_of(copy)) == {"image", "relu", "depthwise", "add", "mean"}
    low, high = ranges_of(copy)["relu"]
    assert low == 0.0
    assert 0.5 < high <= 6.0
    exact, rounded = np.asarray(model(x)), np.asarray(copy(x))
    assert 0 < np.abs(exact - rounded).max() < 0.05 * np.abs(exact).max()


def test_training_moves_the_copy_and_its_weights_come_back() -> None:
    model = _net()
    copy = with_fake_quant(model)
    copy.compile(keras.optimizers.Adam(0.01), keras.losses.CategoricalCrossentropy(True))
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 48)
    x = (rng.normal(size=(48, 12, 12, 3)) + y[:, None, None, None]).astype(np.float32)
    losses = [copy.train_on_batch(x, np.eye(3)[y]) for _ in range(15)]
    assert losses[-1] < losses[0]
    before = model.get_layer("conv").get_weights()[0]
    copy_weights(copy, model)
    after = model.get_layer("conv").get_weights()[0]
    assert not np.array_equal(before, after)
    assert np.array_equal(after, copy.get_layer("conv").get_weights()[0])


def test_a_model_inside_a_model_is_refused() -> None:
    image = keras.Input((12, 12, 3))
    with pytest.raises(ConfigError, match="fake_quant needs a flat network"):
        with_fake_quant(keras.Model(image, _net()(image)))
