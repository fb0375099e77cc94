"""Which library a runtime takes, and what is said when there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgecls.errors import InferenceError
from edgecls.runtimes.tflite import spec_from_detail

LOAD = """
import sys
for name in {blocked!r}:
    sys.modules[name] = None
from edgecls import errors, plugins
from edgecls.runtimes import RUNTIMES
try:
    plugins.load("runtime", RUNTIMES, {key!r})
    print("Interpreter of", sys.modules["edgecls.runtimes.tflite"].Interpreter.made_by)
except errors.MissingDependencyError as error:
    print(error.message, "|", error.hint, "|", error.exit_code)
"""


def load(key: str, blocked: list[str], path: list[Path]) -> str:
    """Load a runtime in a fresh process in which some libraries cannot be imported."""
    script = f"import sys; sys.path[:0] = {[str(p) for p in path]!r}\n"
    script += LOAD.format(key=key, blocked=blocked)
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("key", "blocked", "library", "hint"),
    [
        ("tflite", ["ai_edge_litert", "tflite_runtime"], "ai_edge_litert", "pip install edgecls"),
        ("onnx", ["onnxruntime"], "onnxruntime", 'pip install "edgecls[onnx]"'),
    ],
)
def test_a_missing_library_is_told_with_its_command(
    repository: Path, key: str, blocked: list[str], library: str, hint: str
) -> None:
    message, told, code = load(key, blocked, [repository]).split(" | ")
    assert library in message
    assert told.startswith(hint)
    assert code == "3"


def test_tflite_runtime_serves_where_litert_is_missing(repository: Path, tmp_path: Path) -> None:
    package = tmp_path / "tflite_runtime"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text("class Interpreter: made_by = 'tflite-runtime'\n")
    told = load("tflite", ["ai_edge_litert"], [tmp_path, repository])
    assert told == "Interpreter of tflite-runtime"


def test_a_library_without_the_systems_own_is_told_as_that(
    repository: Path, tmp_path: Path
) -> None:
    """As TensorRT's module in a container that was started without the GPU's libraries."""
    text = "libnvinfer.so.8: cannot open shared object file: No such file or directory"
    (tmp_path / "tensorrt.py").write_text(f"raise ImportError({text!r})\n")
    message, told, code = load("tensorrt", [], [tmp_path, repository]).split(" | ")
    assert "is there, but lacks a library of the system: libnvinfer.so.8" in message
    assert "NVIDIA's container runtime" in told
    assert code == "3"
    (tmp_path / "tensorrt.py").write_text("raise ImportError('something else is broken')\n")
    with pytest.raises(subprocess.CalledProcessError):
        load("tensorrt", [], [tmp_path, repository])


def test_a_tensor_quantized_per_channel_is_refused() -> None:
    detail = {
        "name": "scores",
        "shape": np.array([1, 2]),
        "shape_signature": np.array([1, 2]),
        "dtype": np.int8,
        "quantization_parameters": {
            "scales": np.array([0.1, 0.2]),
            "zero_points": np.array([0, 0]),
        },
    }
    with pytest.raises(InferenceError, match=r"'scores' is quantized with 2 scales, expected one"):
        spec_from_detail(detail)
