"""A mean image or a whitening before a network: one flat network, with the same answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")
pytest.importorskip("tf2onnx", reason="needs the lab extra (tf2onnx)")

from edgecls.lab.building import freeze, network_from  # noqa: E402
from edgecls.lab.export import onnx_from_keras  # noqa: E402
from edgecls.lab.fake_quant import with_fake_quant  # noqa: E402
from edgecls.lab.networks.network import Network  # noqa: E402
from edgecls.lab.preprocessing import Front  # noqa: E402
from edgecls.lab.recipe import Architecture  # noqa: E402
from edgecls.runtimes.onnx import OnnxRuntime  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZE_PX = 32
V2 = Architecture(name="mobilenet_v2", options={"width": 0.35})
NAMES = ("resnet8", "cifar10_cnn", "person_mobilenet_v1", "own_layers:image_again")


def _front(*, white: bool, size_px: int = SIZE_PX) -> Front:
    rng = np.random.default_rng(3)
    values = size_px * size_px * 3
    matrix = rng.normal(0, values**-0.5, (values, values)) if white else None
    return Front(rng.uniform(0, 1, (size_px, size_px, 3)), matrix)


def _pair(choice: Architecture, front: Front) -> tuple[Network, Network]:
    """Build a network behind the front, and without it, with the same weights."""
    size_px = front.mean.shape[0]
    behind = network_from(choice, size_px=size_px, classes=3, front=front)
    plain = network_from(choice, size_px=size_px, classes=3)
    for layer in plain.model.layers:
        layer.set_weights(behind.model.get_layer(layer.name).get_weights())
    return behind, plain


@pytest.mark.parametrize("name", NAMES)
def test_every_network_sees_the_image_through_the_front(
    name: str, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    monkeypatch.syspath_prepend(str(repository / "tests" / "unit" / "lab"))
    front = _front(white=False)
    keras.utils.clear_session()
    behind = network_from(Architecture(name=name), size_px=SIZE_PX, classes=3, front=front)
    keras.utils.clear_session()  # so that unnamed layers are called the same again
    plain = network_from(Architecture(name=name), size_px=SIZE_PX, classes=3)
    plain.model.set_weights(behind.model.get_weights())
    x = np.random.default_rng(5).uniform(0, 1, (2, SIZE_PX, SIZE_PX, 3)).astype(np.float32)
    expected = plain.model((x - front.mean).astype(np.float32))
    assert np.allclose(behind.model(x), expected, atol=1e-5)  # float32
    assert behind.model.input.shape == (None, SIZE_PX, SIZE_PX, 3)
    assert not any(isinstance(layer, keras.Model) for layer in behind.model.layers)
    features = keras.Model(behind.model.input, behind.features)
    assert features.output.shape == plain.features.shape
    keras.Model(behind.features, behind.model.output)  # cached views train this part alone
    if plain.heat is not None:
        assert keras.Model(behind.model.input, behind.heat).output.shape == plain.heat.shape


def test_a_whitening_stays_fixed_while_everything_else_learns() -> None:
    front = _front(white=True, size_px=8)
    behind, plain = _pair(Architecture(name="resnet8"), front)
    x = np.random.default_rng(5).uniform(0, 1, (2, 8, 8, 3)).astype(np.float32)
    white = ((x - front.mean).reshape(2, -1) @ front.matrix).reshape(x.shape)
    assert np.allclose(behind.model(x), plain.model(white.astype(np.float32)), atol=1e-4)
    freeze(behind, train="all", batch_norm="adapt", momentum=0.9)
    assert not behind.model.get_layer("whitening").trainable
    assert len(behind.model.trainable_weights) == len(plain.model.trainable_weights)
    with_fake_quant(behind.model)


def test_pretrained_weights_fit_the_backbone_behind_the_front() -> None:
    behind, plain = _pair(V2, _front(white=False))
    assert behind.backbone is not None
    assert plain.backbone is not None
    assert [tuple(w.shape) for w in behind.backbone.weights] == [
        tuple(w.shape) for w in plain.backbone.weights
    ]
    behind.backbone.set_weights([np.ones(w.shape) for w in behind.backbone.weights])
    assert np.asarray(behind.model.get_layer("Conv1").kernel).min() == 1


def test_the_device_file_holds_the_mean_image() -> None:
    network = network_from(
        Architecture(name="resnet8"), size_px=16, classes=3, front=_front(white=False, size_px=16)
    )
    x = np.random.default_rng(5).uniform(0, 1, (1, 16, 16, 3)).astype(np.float32)
    made = onnx_from_keras(network.model)
    assert [given.name for given in made.graph.input] == ["image"]
    with OnnxRuntime(made.SerializeToString(), threads=1) as loaded:
        answer = loaded.infer(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    # two float engines order their sums differently
    assert np.allclose(answer, network.model(x), atol=1e-4)
