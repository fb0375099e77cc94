"""From a network to a bundle and back: the same answers, and BatchNorm that can learn on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")
pytest.importorskip("tf2onnx", reason="the lab extra is not installed")

from edgecls.bundle.manifest import InputRule, Manifest, OutputRule, Variant  # noqa: E402
from edgecls.lab.blending import check_start_share, keep_of_start  # noqa: E402
from edgecls.lab.building import network_from  # noqa: E402
from edgecls.lab.bundle_weights import (  # noqa: E402
    BundleWeightsError,
    load_from_bundle,
    settle_statistics,
)
from edgecls.lab.export import onnx_from_keras  # noqa: E402
from edgecls.lab.recipe import Architecture  # noqa: E402
from edgecls.lab.weights import WeightsError, load_into  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

TOLERANCE = 1e-4
"""Folding and unfolding order float sums differently; the logits are of order 1."""
SIZE_PX = 32


def _network(*, width: float = 0.25, name: str = "person_mobilenet_v1") -> keras.Model:
    choice = Architecture(name=name, options={"width": width})
    return network_from(choice, size_px=SIZE_PX, classes=2).model


def _images(count: int, seed: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).uniform(-1, 1, (count, SIZE_PX, SIZE_PX, 3)).astype("f")


@pytest.fixture(scope="module")
def donor() -> keras.Model:
    """Return a network whose BatchNorm has seen something, and so has factors to fold."""
    keras.utils.set_random_seed(3)
    model = _network()
    rng = np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.normal(0, 1, bias.shape)])
        if isinstance(layer, keras.layers.BatchNormalization):
            shapes = [w.shape for w in layer.get_weights()]
            scale, shift, mean = (rng.normal(m, 0.2, s) for m, s in zip((1, 0, 0), shapes))  # noqa: B905
            layer.set_weights([scale, shift, mean, rng.uniform(0.3, 2.0, shapes[3])])
    return model


@pytest.fixture(scope="module")
def bundle(donor: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("donor")
    image = keras.Input((SIZE_PX, SIZE_PX, 3), batch_size=1, name="image")
    data = onnx_from_keras(keras.Model(image, donor(image, training=False))).SerializeToString()
    (folder / "net.onnx").write_bytes(data)
    variant = Variant(
        name="onnx-float32",
        runtime="onnx",
        precision="float32",
        file="net.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
    )
    rule = InputRule(width=SIZE_PX, height=SIZE_PX, mean=(127.5,) * 3, std=(127.5,) * 3)
    manifest = Manifest(
        name="donor",
        version="1",
        input=rule,
        labels=("a", "b"),
        output=OutputRule(activation="softmax"),
        variants=(variant,),
    )
    (folder / "manifest.json").write_bytes(manifest.as_bytes())
    return folder


def test_the_answers_come_back(donor: keras.Model, bundle: Path) -> None:
    model = _network()
    load_into_choice = Architecture(name="person_mobilenet_v1", weights=str(bundle))
    images = _images(3, 1)
    expected = np.asarray(donor.predict_on_batch(images))
    assert np.abs(np.asarray(model.predict_on_batch(images)) - expected).max() > 100 * TOLERANCE
    network = network_from(
        Architecture(name="person_mobilenet_v1", options={"width": 0.25}),
        size_px=SIZE_PX,
        classes=2,
    )
    load_into(network, load_into_choice)
    assert np.abs(np.asarray(network.model.predict_on_batch(images)) - expected).max() < TOLERANCE


def test_settled_statistics_are_the_datas_and_change_no_answer(bundle: Path) -> None:
    model = _network()
    load_from_bundle(model, bundle)
    images = _images(8, 2)
    before = np.asarray(model.predict_on_batch(images))
    settle_statistics(model, [images])
    assert np.abs(np.asarray(model.predict_on_batch(images)) - before).max() < TOLERANCE
    norm = model.get_layer("conv1_bn")
    seen = np.asarray(keras.Model(model.inputs, norm.input).predict_on_batch(images))
    assert np.allclose(norm.get_weights()[2], seen.mean((0, 1, 2)), atol=TOLERANCE)
    assert np.allclose(norm.get_weights()[3], seen.var((0, 1, 2)), atol=TOLERANCE)


def test_another_network_is_refused_by_its_layer(bundle: Path) -> None:
    with pytest.raises(BundleWeightsError, match=r"nothing is left for layer conv1, conv \(3, 3"):
        load_from_bundle(_network(width=0.5), bundle)


def test_a_bundle_without_a_float_graph_is_refused(bundle: Path, tmp_path: Path) -> None:
    manifest = (bundle / "manifest.json").read_text().replace('"float32"', '"int8"')
    (tmp_path / "manifest.json").write_text(manifest)
    (tmp_path / "net.onnx").write_bytes((bundle / "net.onnx").read_bytes())
    with pytest.raises(BundleWeightsError, match="has no float32 ONNX variant"):
        load_from_bundle(_network(), tmp_path)


def test_a_share_of_the_start_is_kept_layer_by_layer(donor: keras.Model, bundle: Path) -> None:
    keras.utils.set_random_seed(11)
    trained, images = _network(), _images(4, 2)
    own = trained.predict(images, verbose=0)
    keep_of_start(trained, bundle, 0.0)
    np.testing.assert_allclose(trained.predict(images, verbose=0), own, atol=TOLERANCE)
    keep_of_start(trained, bundle, 0.5)
    between = trained.predict(images, verbose=0)
    assert np.abs(between - own).max() > 100 * TOLERANCE
    keep_of_start(trained, bundle, 1.0)
    start = donor.predict(images, verbose=0)
    np.testing.assert_allclose(trained.predict(images, verbose=0), start, atol=TOLERANCE)
    assert np.abs(between - start).max() > 100 * TOLERANCE


def test_a_start_that_cannot_be_averaged_with_is_refused_before_training(bundle: Path) -> None:
    check_start_share(Architecture(name="resnet8", weights=str(bundle), start_share=0.5))
    with pytest.raises(WeightsError, match="expected a bundle as architecture"):
        check_start_share(Architecture(name="resnet8", start_share=0.5))
    with pytest.raises(BundleWeightsError, match="its layers are others"):
        keep_of_start(_network(width=0.5), bundle, 0.5)
