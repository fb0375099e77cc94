"""Learned rounding and clipped weights: closer than the nearest, and exactly on the int8 grid."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the lab extra: pip install 'edgecls[lab]'")

from edgecls.errors import CalibrationError  # noqa: E402
from edgecls.lab.quantization import adaround, bias, clip, fold, moments, rounding  # noqa: E402
from tests.unit.lab.quantization.test_graph_improvements import (  # noqa: E402
    answers,
    images,
    small_net,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def correlated(inputs: int, *, mean: float) -> np.ndarray:
    generator = np.random.default_rng(2)
    mixing = generator.normal(size=(inputs, inputs)) / np.sqrt(inputs)
    rows = np.maximum(generator.normal(size=(2000, inputs)) @ mixing + mean, 0)
    return (rows.T @ rows / len(rows)).astype(np.float32)


def weights(inputs: int, outputs: int) -> np.ndarray:
    values = np.random.default_rng(3).uniform(-126, 126, (inputs, outputs)).astype(np.float32)
    values[0] = 127.0
    return values


def lost(up: np.ndarray, values: np.ndarray, second: np.ndarray) -> float:
    return float(adaround.error(up - (values - np.floor(values)), second).sum())


def test_learned_rounding_loses_less_than_half_of_what_the_nearest_does() -> None:
    values, second = weights(48, 8), correlated(48, mean=0.5)
    up = adaround.rounded_up(values, second)
    nearest = values - np.floor(values) >= 0.5
    assert lost(up, values, second) < 0.5 * lost(nearest, values, second)


def test_a_depthwise_layer_has_a_matrix_of_its_own_for_every_channel() -> None:
    values = weights(9, 4)
    each = np.stack([correlated(9, mean=mean) for mean in (0.0, 0.3, 0.6, 2.0)])
    up = adaround.rounded_up(values, each)
    for channel in range(4):
        alone = adaround.rounded_up(values[:, [channel]], each[channel])
        nearest = values[:, [channel]] - np.floor(values[:, [channel]]) >= 0.5
        here = lost(up[:, [channel]], values[:, [channel]], each[channel])
        assert here <= lost(nearest, values[:, [channel]], each[channel])
        assert here == pytest.approx(lost(alone, values[:, [channel]], each[channel]), rel=0.2)


def test_independent_inputs_leave_the_nearest() -> None:
    values = weights(20, 3)
    nearest = values - np.floor(values) >= 0.5
    np.testing.assert_array_equal(
        adaround.rounded_up(values, np.eye(20, dtype=np.float32)), nearest
    )


def test_moments_are_those_of_what_each_output_reads() -> None:
    model = fold.with_batchnorm_folded(small_net())
    batch = images(4)
    found = moments.input_moments(model, [batch[:2], batch[2:]], centred=False)
    stem = model.get_layer("stem").get_weights()[0].reshape(27, 8)
    # E[(w^T x)^2] of the stem, from its outputs themselves
    outputs = np.asarray(keras.ops.conv(batch, stem.reshape(3, 3, 3, 8), padding="same"))
    expected = np.square(outputs).reshape(-1, 8).mean(axis=0)
    np.testing.assert_allclose(adaround.error(stem, found["stem"]), expected, rtol=1e-4)
    assert found["deep"].shape == (8, 9, 9)
    centred = moments.input_moments(model, [batch], centred=True)
    variance = outputs.reshape(-1, 8).var(axis=0)
    np.testing.assert_allclose(adaround.error(stem, centred["stem"]), variance, rtol=1e-3)


def test_a_rounded_model_lies_on_the_grid_and_answers_closer_than_the_nearest() -> None:
    model = fold.with_batchnorm_folded(small_net())
    batch = images(16)
    steps: list[tuple[str, int, int]] = []
    found = rounding.learned_rounding(model, [batch], told=lambda *told: steps.append(told))
    assert steps[-1] == ("rounding", 4, 4)
    rounded = rounding.with_kernels_rounded(model, found)
    nearest = rounding.with_kernels_rounded(model, {})
    for name in found:
        layer = nearest.get_layer(name)
        kernel, *rest = layer.get_weights()
        layer.set_weights([bias.rounded_per_channel(layer, kernel), *rest])
        learned = rounded.get_layer(name)
        again = bias.rounded_per_channel(learned, learned.get_weights()[0])
        np.testing.assert_allclose(again, learned.get_weights()[0], rtol=1e-5, atol=1e-6)
    exact = answers(model, batch)
    error = np.square(answers(rounded, batch) - exact).mean()
    assert error < 0.7 * np.square(answers(nearest, batch) - exact).mean()


def test_choices_of_another_model_are_refused() -> None:
    model = fold.with_batchnorm_folded(small_net())
    with pytest.raises(CalibrationError, match="layer stem"):
        rounding.with_kernels_rounded(model, {"stem": np.zeros(3, np.uint8)})
    with pytest.raises(CalibrationError, match="layer nothing"):
        rounding.with_kernels_rounded(model, {"nothing": np.zeros(3, np.uint8)})


def test_weights_are_clipped_only_where_that_rounds_the_others_better() -> None:
    model = keras.Sequential([keras.Input((2000,)), keras.layers.Dense(2, name="wide")])
    kernel = np.full((2000, 2), 0.5 / 127, np.float32)  # half a step: as badly rounded as can be
    kernel[0] = 1.0
    kernel[:, 1] = 1.0
    model.get_layer("wide").set_weights([kernel, np.zeros(2)])
    clipped = clip.with_weights_clipped(model).get_layer("wide").get_weights()[0]
    np.testing.assert_array_equal(clipped[:, 1], kernel[:, 1])
    assert clipped[0, 0] < 1

    def lost_by(values: np.ndarray) -> float:
        held = bias.rounded_per_channel(model.get_layer("wide"), values)
        return float(np.square(held - kernel)[:, 0].sum())

    assert lost_by(clipped) < 0.95 * lost_by(kernel)
