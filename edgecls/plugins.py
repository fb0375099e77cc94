"""Load a plug-in by its key: the one dynamic import in the project."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Collection, Mapping
from typing import Any

from edgecls.errors import ConfigError, IncompleteDependencyError, MissingDependencyError

INSTALL_HINTS: Mapping[str, str] = {
    "onnxruntime": 'pip install "edgecls[onnx]"',
    "ai_edge_litert": "pip install edgecls   (the TFLite interpreter is part of it)",
    "tflite_runtime": 'pip install "edgecls[tflite-runtime]"',
    "tensorrt": "TensorRT comes with JetPack: run on a Jetson, or choose another runtime",
    "skimage": 'pip install "edgecls[demo]"',
    "tomli_w": 'pip install "edgecls[flash]"   (on a workstation)',
    **dict.fromkeys(
        ("tensorflow", "keras", "onnx", "tf2onnx", "ai_edge_quantizer", "matplotlib"),
        'pip install "edgecls[lab]"   (on a workstation)',
    ),
    "av": "pip install edgecls   (PyAV is part of it)",
    "paho": "pip install edgecls   (paho-mqtt is part of it)",
    "gpiozero": 'pip install "edgecls[gpio]"',
}
SYSTEM_HINTS: Mapping[str, str] = {
    "tensorrt": "it comes with JetPack; in a container, use NVIDIA's container runtime",
}
NO_FILE = "cannot open shared object file"  # as the system's loader says it


def load(kind: str, table: Mapping[str, str], key: str) -> Any:  # Any: each table has its own port
    """Return the class that `table` names for `key`.

    Args:    kind: what the table holds, for messages ("runtime", "camera").
             table: key -> "package.module:Class".
    Raises:  ConfigError for a key that is not in the table, with the nearest one.
             MissingDependencyError when the leaf's library is not installed;
             IncompleteDependencyError when it is, without a library of the system that it needs.
             Whatever the leaf itself raises when it is broken: its traceback is kept.
    """
    if key not in table:
        raise unknown_key(kind, table, key)
    module_name, _, class_name = table[key].partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "edgecls"):
            raise
        hint = INSTALL_HINTS.get(missing, f"install the Python package that provides {missing}")
        raise MissingDependencyError(
            f"{kind} {key!r} needs the library {missing!r}, which is not installed", hint=hint
        ) from error
    except ImportError as error:
        if NO_FILE not in str(error):
            raise
        file = str(error).partition(":")[0]
        raise IncompleteDependencyError(
            f"{kind} {key!r} is there, but lacks a library of the system: {error}",
            hint=SYSTEM_HINTS.get(key, f"install the system's package that has {file}"),
        ) from error
    return getattr(module, class_name)


def unknown_key(kind: str, known: Collection[str], key: str) -> ConfigError:
    """Return the error for a word that is not among the known ones, with the nearest of them."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}"
    return ConfigError(f"unknown {kind} {key!r}, expected one of {', '.join(known)}", hint=hint)
