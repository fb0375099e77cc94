"""Keep TensorFlow's chatter out of what the verbs print."""

from __future__ import annotations

import os


def hush_tensorflow() -> None:
    """Ask TensorFlow for errors only; call it before anything imports it.

    A level that the user has set stays.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
