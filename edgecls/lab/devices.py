"""Precision and GPUs: switches of the recipe. Neither is needed on a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from edgecls import plugins
from edgecls.errors import ConfigError

MIRRORED: Mapping[str, str] = {
    "count": "edgecls.lab.mirrored:gpu_count",
    "scope": "edgecls.lab.mirrored:scope",
}
"""TensorFlow's strategy is loaded where it is used: the rest of the lab needs Keras only."""


def prepare(precision: str, gpus: int) -> AbstractContextManager[Any]:  # Any: a strategy's scope
    """Set the precision of new layers, and return the context to build the network in.

    Several GPUs train the same network on parts of each batch: tf.distribute.MirroredStrategy with
    TensorFlow, keras.distribution.DataParallel with JAX.

    Raises:  ConfigError when there are fewer GPUs than the recipe wants.
    """
    keras.config.set_dtype_policy(precision)
    if gpus < 2:
        return nullcontext()
    if keras.backend.backend() == "tensorflow":
        _check(plugins.load("GPU count", MIRRORED, "count")(), gpus)
        return plugins.load("GPU strategy", MIRRORED, "scope")(gpus)  # type: ignore[no-any-return]
    devices = keras.distribution.list_devices("gpu")
    _check(len(devices), gpus)
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices[:gpus]))
    return nullcontext()


def _check(found: int, wanted: int) -> None:
    if found < wanted:
        raise ConfigError(
            f"training.gpus = {wanted}, this machine offers {found}", hint="--set training.gpus=1"
        )
