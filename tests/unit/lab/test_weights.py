"""Start weights: what fits is loaded, what does not is told by layer, what is missing by file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.errors import ConfigError  # noqa: E402
from edgecls.lab.building import network_from  # noqa: E402
from edgecls.lab.networks.network import Network  # noqa: E402
from edgecls.lab.recipe import Architecture  # noqa: E402
from edgecls.lab.weights import WeightsError, load_into, offline_error  # noqa: E402

# keras.saving asks numpy 2 for arrays in a way that h5py's own objects do not know yet
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def _choice(weights: Path | str = "none", *, width: float = 0.25) -> Architecture:
    return Architecture(name="mobilenet_v1", weights=str(weights), options={"width": width})


def _network(*, width: float = 0.25, classes: int = 2) -> Network:
    return network_from(_choice(width=width), size_px=32, classes=classes)


def _first(network: Network) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(network.model.get_layer("conv1").get_weights()[0])


@pytest.fixture(scope="module")
def donor() -> Network:
    return _network()


def test_weights_of_a_backbone_or_of_the_whole_are_loaded(donor: Network, tmp_path: Path) -> None:
    donor.backbone.save_weights(tmp_path / "part.weights.h5")
    donor.model.save_weights(tmp_path / "whole.weights.h5")
    for name in ("part", "whole"):
        network = _network()
        load_into(network, _choice(tmp_path / f"{name}.weights.h5"))
        assert np.array_equal(_first(network), _first(donor))


def test_a_model_file_may_have_other_classes(donor: Network, tmp_path: Path) -> None:
    donor.model.save(tmp_path / "model.keras")
    network = _network(classes=5)
    load_into(network, _choice(tmp_path / "model.keras"))
    assert np.array_equal(_first(network), _first(donor))
    assert network.model.output.shape == (None, 5)


@pytest.mark.parametrize("name", ["model.keras", "whole.weights.h5"])
def test_the_layer_that_does_not_fit_is_named(donor: Network, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    (donor.model.save if name.endswith(".keras") else donor.model.save_weights)(file)
    wide = _network(width=0.5)
    before = _first(wide)
    with pytest.raises(WeightsError) as caught:
        load_into(wide, _choice(file))
    assert "layer conv1" in caught.value.message
    assert "expected (3, 3, 3, 16), received (3, 3, 3, 8)" in caught.value.message
    assert np.array_equal(_first(wide), before)


def test_a_missing_file_and_a_network_without_imagenet_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.weights\.h5 do not exist"):
        load_into(_network(), _choice(tmp_path / "none.weights.h5"))
    lite = Architecture(name="resnet8", weights="imagenet")
    with pytest.raises(ConfigError, match="is not offered for 'resnet8'"):
        load_into(network_from(lite, size_px=32, classes=2), lite)


def test_offline_names_the_file_and_where_to_put_it() -> None:
    text = (
        "URL fetch failure on https://storage.example/keras/mobilenet_1_0_224_tf_no_top.h5: "
        "None -- [Errno -2] Name or service not known"
    )
    error = offline_error(Exception(text), "mobilenet_v1")
    assert error.message.endswith("could not be downloaded ([Errno -2] Name or service not known)")
    assert error.hint is not None
    assert "fetch https://storage.example/keras/mobilenet_1_0_224_tf_no_top.h5 on" in error.hint
    assert error.hint.endswith("/models/")
