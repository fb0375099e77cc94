"""The bare loops take one picture; what takes more is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edgecls.errors import InferenceError
from edgecls.runtimes import bare_onnx, bare_tflite

TWO = [SimpleNamespace(name="left"), SimpleNamespace(name="right")]


class TwoInputs:
    """An engine that has loaded a model of two inputs."""

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def allocate_tensors(self) -> None:
        pass

    def get_inputs(self) -> list[Any]:
        return TWO

    get_input_details = get_inputs


@pytest.mark.parametrize(
    ("engine", "loop"),
    [
        ((bare_onnx.onnxruntime, "InferenceSession"), bare_onnx.BareOnnx),
        ((bare_tflite, "Interpreter"), bare_tflite.BareTFLite),
    ],
)
def test_a_model_of_two_inputs_is_told(
    monkeypatch: pytest.MonkeyPatch, engine: tuple[Any, str], loop: Any
) -> None:
    monkeypatch.setattr(*engine, TwoInputs)
    with pytest.raises(InferenceError, match="has 2 inputs, expected exactly 1"):
        loop(b"model")
