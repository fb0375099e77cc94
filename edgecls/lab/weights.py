"""Start a network from weights: ImageNet's through keras.applications, or a file of the user's."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import keras

from edgecls.errors import ConfigError, EdgeclsError
from edgecls.lab.bundle_weights import is_bundle, load_from_bundle
from edgecls.lab.full_precision import in_float32
from edgecls.lab.networks.network import Network
from edgecls.lab.own_networks import import_own_layers
from edgecls.lab.recipe import Architecture

_APPLICATIONS: Mapping[str, Callable[..., keras.Model]] = {
    "mobilenet_v1": keras.applications.MobileNet,
    "mobilenet_v2": keras.applications.MobileNetV2,
    "mobilenet_v3_small": keras.applications.MobileNetV3Small,
    "mobilenet_v3_large": keras.applications.MobileNetV3Large,
    "person_mobilenet_v1": keras.applications.MobileNet,
    "person_mobilenet_v2": keras.applications.MobileNetV2,
}

_KEYWORDS = {"width": "alpha", "minimalistic": "minimalistic"}
IMAGENET_SIZES_PX = (96, 128, 160, 192, 224)

_SHAPES = re.compile(
    r"variable\.shape=(?P<expected>\([^)]*\)), Received: value\.shape=(?P<received>\([^)]*\))"
    r".*?Variable path=(?P<path>[^,]+),",
    re.DOTALL,
)
_COUNTS = re.compile(r"Layer '(?P<layer>[^']+)' expected (?P<rest>\d+ variables?, but .*?loading)")
_URL = re.compile(r"https?://\S+?(?=:? |$)")


class WeightsError(EdgeclsError, ValueError):
    """Report start weights that are missing or do not fit the network."""


def load_into(network: Network, choice: Architecture) -> None:
    """Load start weights into a network that was just built.

    The recipe names "imagenet", or the path of a .weights.h5 (of the backbone, or of the whole
    network) or .keras file, or of a bundle; without any, the network keeps its random weights.

    Raises:  WeightsError, naming the file to put where, or the layer that does not fit.
    """
    if choice.weights == "none":
        return
    if choice.weights == "imagenet":
        _load_imagenet(network, choice)
        return
    file = Path(choice.weights)
    if is_bundle(file):
        load_from_bundle(network.model, file)
        return
    if not file.is_file():
        raise WeightsError(
            f"start weights {file} do not exist",
            hint='architecture.weights takes a .weights.h5 or .keras file, a bundle, or "imagenet"',
        )
    if file.suffix == ".keras":
        _copy(model_from_file(file), network.model, file)
        return
    if network.backbone is not None and _fits(network.backbone, file):
        return
    _load(network.model, file)


def _load_imagenet(network: Network, choice: Architecture) -> None:
    name = choice.name
    if name not in _APPLICATIONS or network.backbone is None:
        raise ConfigError(
            f'architecture.weights = "imagenet" is not offered for {name!r}, expected one of '
            f"{', '.join(_APPLICATIONS)}",
            hint="give the path of a .weights.h5 file, or leave weights out",
        )
    size = min(IMAGENET_SIZES_PX, key=lambda s: abs(s - int(network.model.input.shape[1])))
    options = {_KEYWORDS[key]: v for key, v in choice.options.items() if key in _KEYWORDS}
    try:
        ready = _APPLICATIONS[name](
            input_shape=(size, size, 3), include_top=False, weights="imagenet", **options
        )
    except ValueError as error:  # a width nobody has trained
        raise ConfigError(f"no ImageNet weights for {name}: {_first_line(error)}") from error
    except Exception as error:  # keras raises a bare Exception when the download fails
        raise offline_error(error, name) from error
    _copy(ready, network.backbone, Path("imagenet"))


def offline_error(error: Exception, name: str) -> WeightsError:
    """Say which file to fetch by other means, and where Keras will find it."""
    found = _URL.search(str(error))
    if found is None:
        return WeightsError(f"ImageNet weights of {name} could not be loaded: {_first_line(error)}")
    url = found.group().rstrip(":")
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    return WeightsError(
        f"ImageNet weights of {name} could not be downloaded ({_reason(error)})",
        hint=f"fetch {url} on a machine with a network and put it into {folder}/",
    )


def _reason(error: Exception) -> str:
    return str(error).rpartition("-- ")[2].strip() or "no answer"


def _fits(model: keras.Model, file: Path) -> bool:
    """Try to load a file into a part of the network; False leaves it as it was."""
    before = model.get_weights()
    try:
        _load(model, file)
    except WeightsError:
        model.set_weights(before)
        return False
    return True


def _load(model: keras.Model, file: Path) -> None:
    try:
        with warnings.catch_warnings():
            # Keras looks into containers that only some of its versions write; misfits raise.
            warnings.simplefilter("ignore", UserWarning)
            model.load_weights(str(file))
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(
            f"the weights of {file} do not fit {model.name}: {_misfit(error)}",
            hint="compare architecture.name and its options (width) with how the file was made",
        ) from error


def _misfit(error: Exception) -> str:
    """Name the layer that does not fit, as far as Keras tells."""
    text = str(error)
    if shapes := _SHAPES.search(text):
        layer = shapes["path"].strip()
        return f"layer {layer} expected {shapes['expected']}, received {shapes['received']}"
    if counts := _COUNTS.search(text):
        return f"layer {counts['layer']} expected {counts['rest']}"
    return _first_line(error)


def model_from_file(file: Path) -> keras.Model:
    """Read a whole .keras model, in float32. Raises: WeightsError."""
    import_own_layers(file)
    try:
        return in_float32(keras.saving.load_model(file, compile=False))
    except (ValueError, OSError) as error:
        raise WeightsError(f"{file} is not a Keras model: {_first_line(error)}") from error


def _copy(source: keras.Model, target: keras.Model, file: Path) -> None:
    """Copy weights layer by layer, by order; the head may differ in its number of classes."""
    given = [layer for layer in source.layers if layer.get_weights()]
    wanted = [layer for layer in target.layers if layer.get_weights()]
    if len(given) != len(wanted):
        raise WeightsError(
            f"{file} has {len(given)} layers with weights, {target.name} has {len(wanted)}",
            hint="compare architecture.name and its options with how the file was made",
        )
    for layer, other in zip(wanted, given, strict=True):
        expected = [tuple(w.shape) for w in layer.get_weights()]
        received = [tuple(w.shape) for w in other.get_weights()]
        if expected == received:
            layer.set_weights(other.get_weights())
        elif layer.name != "logits":
            raise WeightsError(
                f"the weights of {file} do not fit {target.name}: layer {layer.name} expected "
                f"{expected[0]}, received {received[0]}",
                hint="compare architecture.name and its options with how the file was made",
            )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
