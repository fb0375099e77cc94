"""Networks of the user's own: what could not be used later is told before training."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.errors import ConfigError  # noqa: E402
from edgecls.lab.building import freeze, network_from  # noqa: E402
from edgecls.lab.cost import macs_of  # noqa: E402
from edgecls.lab.fake_quant import with_fake_quant  # noqa: E402
from edgecls.lab.networks.network import Network  # noqa: E402
from edgecls.lab.own_networks import import_own_layers  # noqa: E402
from edgecls.lab.quantization.fold import with_batchnorm_folded  # noqa: E402
from edgecls.lab.recipe import Architecture  # noqa: E402


@pytest.fixture(autouse=True)
def _own_networks(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.syspath_prepend(str(repository / "tests" / "unit" / "lab"))


def _built(name: str) -> Network:
    return network_from(Architecture(name=f"own_layers:{name}"), size_px=12, classes=2)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "must return a functional Keras model, received NoneType"),
        ("tensor", "must return a functional Keras model, received KerasTensor"),
        ("probabilities", r"ends in probabilities \(dense\w*\), expected logits"),
        ("of_any_size", r"takes \(None, None, None, 3\), expected \(None, 12, 12, 3\)"),
        ("unregistered", "could not be read back from its file: Could not locate class 'Doubled'"),
        ("unsafe", "could not be read back from its file: .*Lambda"),
    ],
)
def test_what_could_not_be_used_later_is_told_before_training(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _built(name)


def test_a_name_without_module_or_function_is_told() -> None:
    for name in (":tiny", "own_layers:"):
        with pytest.raises(ConfigError, match="expected module:function"):
            network_from(Architecture(name=name), size_px=12, classes=2)


def test_a_model_inside_is_unrolled_so_that_its_normalization_can_be_frozen() -> None:
    network = _built("nested")
    assert macs_of(network.model) == 10 * 10 * 9 * 3 * 4 + 4 * 2
    freeze(network, train="all", batch_norm="frozen", momentum=0.9)
    assert not network.model.get_layer("inner_bn").trainable
    assert network.model.get_layer("inner").trainable
    with_fake_quant(network.model)  # refuses models inside


def test_an_image_that_is_read_twice_gets_one_range() -> None:
    copy = with_fake_quant(_built("image_again").model)
    assert [layer.name for layer in copy.layers].count("image_range") == 1
    (both,) = (each for each in copy.layers if isinstance(each, keras.layers.Concatenate))
    names = {tensor._keras_history.operation.name for tensor in both.input}
    assert "image_range" in names


def test_layers_in_a_row_are_a_network_too() -> None:
    assert with_fake_quant(_built("in_a_row").model).output.shape == (None, 2)


def test_what_a_plain_operation_reads_is_not_folded_away() -> None:
    model = _built("gated").model
    x = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)
    norm = next(i for i in model.layers if isinstance(i, keras.layers.BatchNormalization))
    norm.set_weights([np.full(4, v, np.float32) for v in (2.0, 1.0, 0.5, 3.0)])
    folded = with_batchnorm_folded(model)
    assert np.allclose(folded(x), model(x), atol=1e-6)  # the same sums, in float32


def test_the_module_of_a_runs_own_network_is_imported_before_its_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "layers_of_somebody.py").write_text("def net(image, classes): ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    content = {"architecture": {"name": "layers_of_somebody:net"}}
    (tmp_path / "recipe.json").write_text(json.dumps(content))
    import_own_layers(tmp_path / "model.keras")
    assert "layers_of_somebody" in sys.modules


def test_a_model_without_layers_of_its_own_needs_no_module(tmp_path: Path) -> None:
    import_own_layers(tmp_path / "model.keras")  # no recipe beside it
    content = {"architecture": {"name": "long_gone:net"}}
    (tmp_path / "recipe.json").write_text(json.dumps(content))
    import_own_layers(tmp_path / "model.keras")
    assert "long_gone" not in sys.modules
