"""An engine's layers are read from what IEngineInspector writes, whatever the version."""

from __future__ import annotations

import json

import pytest

from edgecls.errors import InferenceError
from edgecls.runtimes.tensorrt_inspect import EngineLayer, layers_from_json, precisions
from tests.unit.runtimes.fake_tensorrt import LAYERS


def test_layers_have_precision_layout_and_tactic() -> None:
    reformat, conv, softmax = layers_from_json(json.dumps({"Layers": LAYERS}))
    assert (reformat.precision, reformat.tactic) == ("float32", "0x00000000000003e8")
    assert (conv.kind, conv.precision) == ("CaskConvolution", "int8")
    assert conv.layout == "Thirty-two wide channel vectorized row major Int8"
    assert conv.tactic == "sm80_xmma_fprop_implicit_gemm_interleaved_i8i8_i8i32_f32"
    assert (softmax.precision, softmax.tactic) == ("float16", None)
    assert precisions([reformat, conv, conv, softmax]) == {"int8": 2, "float32": 1, "float16": 1}


@pytest.mark.parametrize(
    ("words", "precision"),
    [
        ("Row major linear BFloat16 format", "bfloat16"),
        ("Channel major FP16 format where channel % 4 == 0", "float16"),
        ("Float", "float32"),
        ("E4M3 FP8", "float8"),
        ("N/A due to dynamic shapes", None),
    ],
)
def test_words_for_types_are_known(words: str, precision: str | None) -> None:
    layer = {"Name": "a", "Inputs": [{"Format/Datatype": words}], "Outputs": []}
    assert layers_from_json(json.dumps({"Layers": [layer]}))[0].precision == precision


def test_an_engine_without_details_gives_names() -> None:
    assert layers_from_json('{"Layers": ["conv1 + relu1"]}') == (EngineLayer("conv1 + relu1"),)


@pytest.mark.parametrize("text", ["", "{}", '{"Layers": [{}]}', '{"Layers": [3]}'])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InferenceError, match="cannot be read"):
        layers_from_json(text)
