"""Precision and GPUs: switches of the recipe. Neither is needed on a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras

from edgecls import plugins
from edgecls.errors import ConfigError

MIRRORED: Mapping[str, str] = {
    "count": "edgecls.lab.mirrored:gpu_count",
    "scope": "edgecls.lab.mirrored:scope",
}
"""TensorFlow's strategy is loaded where it is used: the rest of the lab needs Keras only."""


@contextmanager
def prepared(precision: str, gpus: int) -> Iterator[None]:
    """Build and train networks in a precision, on so many GPUs; float32 on one comes after it.

    Several GPUs train the same network on parts of each batch: tf.distribute.MirroredStrategy with
    TensorFlow, keras.distribution.DataParallel with JAX.

    Raises:  ConfigError when there are fewer GPUs than the recipe wants.
    """
    scope = _scope(gpus)
    keras.config.set_dtype_policy(precision)
    try:
        with scope:
            yield
    finally:
        keras.config.set_dtype_policy("float32")


def _scope(gpus: int) -> AbstractContextManager[Any]:  # Any: a strategy's scope
    if gpus < 2:
        return nullcontext()
    if keras.backend.backend() == "tensorflow":
        _check(plugins.load("GPU count", MIRRORED, "count")(), gpus)
        return plugins.load("GPU strategy", MIRRORED, "scope")(gpus)  # type: ignore[no-any-return]
    devices = keras.distribution.list_devices("gpu")
    _check(len(devices), gpus)
    return keras.distribution.DataParallel(devices=devices[:gpus]).scope()  # type: ignore[no-any-return]


def _check(found: int, wanted: int) -> None:
    if found < wanted:
        raise ConfigError(
            f"training.gpus = {wanted}, this machine offers {found}", hint="--set training.gpus=1"
        )
