"""The table of networks: sizes that are published, options that exist, layers that move."""

from __future__ import annotations

import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.errors import ConfigError  # noqa: E402
from edgecls.lab.building import freeze, network_from, resized  # noqa: E402
from edgecls.lab.cost import macs_of  # noqa: E402
from edgecls.lab.networks import NETWORKS  # noqa: E402
from edgecls.lab.recipe import Architecture  # noqa: E402


def _trainable(model) -> int:  # type: ignore[no-untyped-def]
    return sum(int(keras.ops.size(weight)) for weight in model.trainable_weights)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_ends_in_a_logit_per_class(name: str) -> None:
    network = network_from(Architecture(name=name), size_px=32, classes=3)
    assert network.model.output.shape == (None, 3)
    assert network.model.output.dtype == "float32"
    answers = network.model(keras.ops.ones((2, 32, 32, 3)))
    assert answers.shape == (2, 3)


def test_small_networks_have_exactly_their_published_sizes() -> None:
    network = network_from(Architecture(name="cifar10_cnn"), size_px=32, classes=10)
    assert network.model.count_params() == 79_626
    filters = [layer.filters for layer in network.model.layers if hasattr(layer, "filters")]
    assert filters == [32, 32, 32, 64, 64]
    resnet8 = network_from(Architecture(name="resnet8"), size_px=32, classes=10)
    assert resnet8.model.count_params() == 78_666  # MLPerf Tiny's reference


@pytest.mark.slow
def test_published_sizes_are_met() -> None:
    lite0 = network_from(Architecture(name="efficientnet_lite0"), size_px=224, classes=1000)
    assert _trainable(lite0.model) == 4_652_008
    v2 = network_from(Architecture(name="mobilenet_v2"), size_px=224, classes=1000)
    assert _trainable(v2.model) == 3_504_872
    assert macs_of(v2.model) == pytest.approx(300.8e6, rel=0.002)  # 300 M in the paper's table


def test_minimalistic_mobilenet_v3_has_no_squeeze_and_no_hard_swish() -> None:
    choice = Architecture(name="mobilenet_v3_small", options={"minimalistic": True})
    names = [layer.name for layer in network_from(choice, size_px=64, classes=2).model.layers]
    assert not any("squeeze" in name for name in names)


def test_unknown_names_and_options_suggest_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        network_from(Architecture(name="mobilenet_v5"), size_px=32, classes=2)
    assert "unknown architecture 'mobilenet_v5'" in caught.value.message
    wrong = Architecture(name="mobilenet_v2", options={"widht": 0.5})
    with pytest.raises(ConfigError, match="no such option, did you mean 'width'"):
        network_from(wrong, size_px=32, classes=2)


def test_a_network_of_the_users_own(monkeypatch: pytest.MonkeyPatch, repository) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.syspath_prepend(str(repository / "tests" / "unit" / "lab"))
    own = Architecture(name="tiny_network:tiny", options={"width": 6})
    network = network_from(own, size_px=24, classes=2)
    assert network.model.get_layer("conv").filters == 6
    freeze(network, train="head", batch_norm="frozen", momentum=0.9)
    assert [w.path for w in network.model.trainable_weights] == ["answer/kernel", "answer/bias"]
    with pytest.raises(ConfigError, match=r"gives \(None, 3\), expected \(None, 2\)"):
        network_from(Architecture(name="tiny_network:probabilities"), size_px=8, classes=2)
    with pytest.raises(ConfigError, match="cannot be found"):
        network_from(Architecture(name="tiny_network:huge"), size_px=8, classes=2)
    with pytest.raises(ConfigError, match="cannot be built for 2 px"):
        network_from(own, size_px=2, classes=2)


def test_phases_choose_the_layers_that_move() -> None:
    small = Architecture(name="mobilenet_v2", options={"width": 0.35})
    network = network_from(small, size_px=32, classes=2)
    model = network.model
    freeze(network, train="head", batch_norm="adapt", momentum=0.9)
    assert [w.path for w in model.trainable_weights] == ["logits/kernel", "logits/bias"]
    freeze(network, train="block_16_expand", batch_norm="frozen", momentum=0.9)
    moving = {w.path.partition("/")[0] for w in model.trainable_weights}
    assert moving == {
        "block_16_expand", "block_16_depthwise", "block_16_project", "Conv_1", "logits",
    }  # fmt: skip
    freeze(network, train="block_16_expand", batch_norm="adapt", momentum=0.9)
    assert model.get_layer("Conv_1_bn").trainable
    assert model.get_layer("Conv_1_bn").momentum == 0.9
    assert not model.get_layer("bn_Conv1").trainable
    with pytest.raises(ConfigError) as caught:
        freeze(network, train="block_16_expandd", batch_norm="frozen", momentum=0.9)
    assert "did you mean 'block_16_expand'?" in str(caught.value.hint)


def test_another_input_size_keeps_the_weights() -> None:
    choice = Architecture(name="mobilenet_v1", options={"width": 0.25})
    network = network_from(choice, size_px=32, classes=2)
    larger = resized(network, choice, 64)
    assert larger.model.input.shape == (None, 64, 64, 3)
    kernel = network.model.get_layer("logits").get_weights()[0]
    assert (larger.model.get_layer("logits").get_weights()[0] == kernel).all()
    plain = Architecture(name="cifar10_cnn")
    with pytest.raises(ConfigError, match="its phases need one size"):
        resized(network_from(plain, size_px=32, classes=2), plain, 64)
