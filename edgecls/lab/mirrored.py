"""Several GPUs with TensorFlow, the one back end of Keras that needs a strategy of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf


def gpu_count() -> int:
    """Return how many GPUs TensorFlow sees."""
    return len(tf.config.list_physical_devices("GPU"))


def scope(gpus: int) -> AbstractContextManager[Any]:  # Any: a strategy's scope
    """Return the context in which a network is built to live on all of them."""
    strategy = tf.distribute.MirroredStrategy([f"GPU:{index}" for index in range(gpus)])
    return strategy.scope()  # type: ignore[no-any-return]
