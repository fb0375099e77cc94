"""Folding and equalizing leave the outputs alone; bias correction takes the mean error away."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the lab extra: pip install 'edgecls[lab]'")

from edgecls.lab.quantization import bias, equalize, fold  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SEED = 11


def small_net(*, relu_max: float | None = None) -> keras.Model:
    """Conv, depthwise and pointwise layers with batch normalization that is not the identity."""
    keras.utils.set_random_seed(SEED)
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(inputs)
    x = keras.layers.BatchNormalization(name="stem_bn")(x)
    x = keras.layers.ReLU(relu_max, name="stem_relu")(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="deep")(x)
    x = keras.layers.BatchNormalization(name="deep_bn")(x)
    skip = x = keras.layers.ReLU(relu_max, name="deep_relu")(x)
    x = keras.layers.Conv2D(8, 1, use_bias=True, name="point")(x)
    x = keras.layers.BatchNormalization(scale=False, name="point_bn")(x)
    x = keras.layers.Add(name="add")([x, skip])
    x = keras.layers.BatchNormalization(name="after_add_bn")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))
    generator = np.random.default_rng(SEED)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.3, 2.0, w.shape) for w in layer.get_weights()])
    return model


def images(count: int = 4) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (count, 16, 16, 3)).astype(np.float32)


def answers(model: keras.Model, batch: np.ndarray) -> np.ndarray:
    return np.asarray(model(batch, training=False))


def spread(layer: keras.layers.Layer) -> float:
    """Return how much larger the largest channel of a kernel is than the smallest."""
    largest = np.abs(layer.get_weights()[0]).max(axis=(0, 1, 2))
    return float(largest.max() / largest.min())


def norms(model: keras.Model) -> list[str]:
    return [
        layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]


def test_folding_takes_every_normalization_it_can_and_changes_no_answer() -> None:
    model = small_net()
    folded = fold.with_batchnorm_folded(model)
    assert norms(folded) == ["after_add_bn"]
    # float32 sums in another order: a few parts in a million of values of about 10
    np.testing.assert_allclose(answers(folded, images()), answers(model, images()), atol=1e-4)


def test_folding_leaves_the_model_itself_alone() -> None:
    model = small_net()
    before = [weight.copy() for weight in model.get_weights()]
    fold.with_batchnorm_folded(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_equalizing_evens_the_channels_and_changes_no_answer() -> None:
    folded = fold.with_batchnorm_folded(small_net())
    kernel, shift = folded.get_layer("stem").get_weights()
    kernel[..., 0] *= 100
    folded.get_layer("stem").set_weights([kernel, shift])
    even = equalize.with_layers_equalized(folded)
    assert [pair.first.name for pair in equalize.links(folded)] == ["stem"]
    np.testing.assert_allclose(
        answers(even, images()), answers(folded, images()), rtol=1e-4, atol=1e-3
    )
    assert spread(even.get_layer("stem")) < 0.2 * spread(folded.get_layer("stem"))


def test_relu6_is_not_equalized_across_but_relu_is() -> None:
    folded = fold.with_batchnorm_folded(small_net(relu_max=6.0))
    assert equalize.links(folded) == []
    assert len(equalize.links(equalize.with_relu6_as_relu(folded))) == 1


def test_bias_correction_takes_away_the_mean_error_of_rounded_weights() -> None:
    folded = fold.with_batchnorm_folded(small_net())
    batch = images(16)
    shifts = bias.corrections(folded, bias.mean_inputs(folded, [batch[:8], batch[8:]]))

    def stem_error(model: keras.Model) -> np.ndarray:
        layer = model.get_layer("stem")
        kernel, shift = layer.get_weights()
        exact = keras.ops.conv(batch, folded.get_layer("stem").get_weights()[0], padding="valid")
        rounded = keras.ops.conv(batch, bias.rounded_per_channel(layer, kernel), padding="valid")
        drift = shift - folded.get_layer("stem").get_weights()[1]
        return np.abs(np.asarray(rounded - exact).mean(axis=(0, 1, 2)) + drift)

    corrected = bias.with_bias_corrected(folded, shifts)
    assert set(shifts) == {"stem", "deep", "point", "logits"}
    assert stem_error(corrected).mean() < 0.35 * stem_error(folded).mean()


def test_a_sequential_model_used_as_a_layer_is_unrolled_too() -> None:
    image = keras.Input((16, 16, 3))
    front = keras.Sequential(
        [keras.layers.Rescaling(0.5), keras.layers.Conv2D(4, 3, name="front")], name="before"
    )
    outer = keras.Model(image, keras.layers.GlobalAveragePooling2D()(front(image)))
    flat = fold.flattened(outer)
    assert "front" in {layer.name for layer in flat.layers}
    np.testing.assert_allclose(answers(flat, images()), answers(outer, images()), atol=1e-6)


def test_a_model_used_as_a_layer_is_unrolled_and_answers_the_same() -> None:
    inner = small_net(relu_max=6.0)
    inputs = keras.Input((16, 16, 3))
    outer = keras.Model(inputs, keras.layers.Rescaling(0.5)(inner(inputs)))
    flat = fold.flattened(outer)
    assert {"stem", "deep_bn", "logits"} <= {layer.name for layer in flat.layers}
    np.testing.assert_allclose(answers(flat, images()), answers(outer, images()), atol=1e-6)
    assert norms(fold.with_batchnorm_folded(flat)) == ["after_add_bn"]


def test_operators_between_layers_are_seen_as_readers() -> None:
    keras.utils.set_random_seed(SEED)
    image = keras.Input((16, 16, 3))
    x = image / 127.5 - 1.0
    first = keras.layers.Conv2D(4, 3, padding="same", name="first")(x)
    skip = keras.layers.BatchNormalization(name="first_bn")(first)
    raw = keras.layers.Conv2D(4, 3, padding="same", name="raw")(x)
    x = skip + keras.layers.BatchNormalization(name="raw_bn")(raw) + raw
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    generator = np.random.default_rng(SEED)
    for name in ("first_bn", "raw_bn"):
        layer = model.get_layer(name)
        layer.set_weights([generator.uniform(0.3, 2.0, w.shape) for w in layer.get_weights()])
    folded = fold.with_batchnorm_folded(model)
    assert norms(folded) == ["raw_bn"]  # the sum reads what that one normalizes, too
    assert np.abs(answers(folded, images()) - answers(model, images())).max() < 1e-5


def test_layers_that_are_called_twice_are_left_alone() -> None:
    keras.utils.set_random_seed(SEED)
    image = keras.Input((16, 16, 3))
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    norm = keras.layers.BatchNormalization(name="norm")
    branches = [keras.layers.Conv2D(4, 1, name=name)(image) for name in ("a", "b")]
    x = keras.layers.Concatenate()([norm(shared(branch)) for branch in branches])
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    norm.set_weights([np.random.default_rng(1).uniform(0.3, 2.0, 4) for _ in range(4)])
    better = equalize.with_layers_equalized(fold.with_batchnorm_folded(model))
    assert np.abs(answers(better, images()) - answers(model, images())).max() < 1e-5
