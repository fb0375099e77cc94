"""Wrapping model files: what is read from them, and what is refused because it cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgecls import plugins
from edgecls.bundle.create import Draft, draft_from_spec
from edgecls.bundle.open import open_bundle
from edgecls.bundle.spec import load_spec, spec_from_mapping
from edgecls.bundle.write import write_bundle
from edgecls.errors import (
    BundleError,
    ConfigError,
    EdgeclsError,
    IncompleteDependencyError,
    InferenceError,
    MissingDependencyError,
)
from edgecls.ports import Runtime
from edgecls.runtimes import RUNTIMES
from tests.tiny_bundles import MODELS

SPEC = {
    "name": "tiny",
    "labels": ["red", "blue"],
    "input": {"mean": [0, 0, 0], "std": [255, 255, 255]},
    "variants": [{"file": MODELS / "int8.tflite"}, {"file": MODELS / "float.tflite"}],
}


def load(runtime: str, model: bytes) -> Runtime:
    loaded: Runtime = plugins.load("runtime", RUNTIMES, runtime)(model)
    return loaded


def nothing_installed(runtime: str, model: bytes) -> Runtime:
    raise MissingDependencyError(f"runtime {runtime!r} needs a library", hint="install it")


def nothing_whole(runtime: str, model: bytes) -> Runtime:
    raise IncompleteDependencyError(f"runtime {runtime!r} is there, but lacks a library")


def draft(**changes: Any) -> Draft:
    return draft_from_spec(spec_from_mapping({**SPEC, **changes}, origin="spec"), load=load)


def one(file: str, **changes: Any) -> Draft:
    return draft(variants=[{"file": MODELS / file}], **changes)


def test_size_precision_and_names_are_read_from_the_models() -> None:
    made = draft()
    assert (made.manifest.input.width, made.manifest.input.height) == (8, 8)
    assert [v.name for v in made.manifest.variants] == ["tflite-int8", "tflite-float32"]
    assert [v.precision for v in made.manifest.variants] == ["int8", "float32"]
    assert made.artefacts["tflite-int8.tflite"] == (MODELS / "int8.tflite").read_bytes()
    assert made.untried == {}


def test_onnx_of_either_layout() -> None:
    pytest.importorskip("onnxruntime")
    for file, name in (("nhwc", "float32"), ("nchw", "float32"), ("qdq", "int8")):
        made = one(f"{file}.onnx")
        assert made.manifest.variants[0].name == f"onnx-{name}"
        assert (made.manifest.input.width, made.manifest.input.height) == (8, 8)


def test_a_single_sigmoid_serves_two_labels() -> None:
    assert one("sigmoid.tflite").manifest.labels == ("red", "blue")


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"labels": ["a", "b", "c"]}, BundleError, r"2 outputs, .*3 labels"),
        (
            {"input": {"mean": [127.5] * 3, "std": [127.5] * 3}},
            BundleError,
            "values from -1 to 1, the model's int8 input holds 0 to 1: 50% of them do not fit",
        ),
        (
            {"input": {**SPEC["input"], "width": 9, "height": 8}},
            BundleError,
            r"gives \(1, 8, 9, 3\).*the model expects \(1, 8, 8, 3\)",
        ),
        (
            {"input": {"color": "grey", "mean": [0], "std": [255]}},
            BundleError,
            r"input is \(1, 8, 8, 3\), expected \(1, height, width, 1\)",
        ),
        ({"output": {"activation": "softmax"}}, BundleError, "gives probabilities already"),
        ({"variants": [{"file": Path("nowhere.tflite")}]}, ConfigError, "nowhere.tflite: cannot"),
        ({"variants": [{"file": Path("model.h5")}]}, ConfigError, "cannot be read|ending in"),
        ({"variants": [*SPEC["variants"], SPEC["variants"][0]]}, ConfigError, "more than once"),
        ({"variants": [{"file": Path(__file__), "runtime": "tflite"}]}, InferenceError, "not a"),
        ({"decision": {"label": "green", "threshold": 0.5}}, ConfigError, "not among the labels"),
    ],
)
def test_what_cannot_work_is_told(changes: Any, error: type[EdgeclsError], told: str) -> None:
    with pytest.raises(error, match=told):
        draft(**changes)


def test_logits_without_an_activation_are_told() -> None:
    with pytest.raises(BundleError, match="no probabilities, and the activation is none"):
        one("logits.tflite")


def test_without_the_library_a_full_description_is_taken_on_trust() -> None:
    told = {"file": MODELS / "int8.tflite", "precision": "int8"}
    size = {**SPEC["input"], "width": 8, "height": 8}
    spec = spec_from_mapping({**SPEC, "variants": [told], "input": size}, origin="spec")
    for loader, why in ((nothing_installed, "needs a library"), (nothing_whole, "is there, but")):
        untried = draft_from_spec(spec, load=loader).untried
        assert list(untried) == ["tflite-int8"]
        assert why in untried["tflite-int8"]
    spec = spec_from_mapping({**SPEC, "variants": [told]}, origin="spec")
    with pytest.raises(ConfigError, match="needs a library, so its input size"):
        draft_from_spec(spec, load=nothing_installed)


def test_a_spec_file_names_models_beside_it(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes((MODELS / "float.tflite").read_bytes())
    (tmp_path / "spec.toml").write_text(
        'name = "tiny"\nlabels = ["red", "blue"]\n'
        "[input]\nmean = [0, 0, 0]\nstd = [255, 255, 255]\n"
        '[decision]\nlabel = "red"\nthreshold = 0.4\n'
        '[[variants]]\nfile = "m.tflite"\nname = "mine"\n'
    )
    made = draft_from_spec(load_spec(tmp_path / "spec.toml"), load=load)
    assert made.manifest.variants[0].name == "mine"
    assert made.manifest.decision is not None
    assert made.manifest.decision.threshold == 0.4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = ", "is not TOML"),
        ('nome = "x"', "nome: unknown field, did you mean 'name'?"),
        ('name = "x"', "labels: missing"),
    ],
)
def test_faults_of_a_spec_file(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "spec.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_spec(tmp_path / "spec.toml")
    assert told in caught.value.message


class TestWrite:
    @pytest.mark.parametrize("name", ["b", "b.edgecls"])
    def test_opens_again(self, tmp_path: Path, name: str) -> None:
        made = draft()
        write_bundle(made.manifest, {**made.artefacts, "MODEL_CARD.md": b"x"}, tmp_path / name)
        opened = open_bundle(tmp_path / name)
        assert opened.manifest == made.manifest
        assert [path.name for path in tmp_path.iterdir()] == [name]  # nothing temporary is left

    def test_the_same_content_gives_the_same_bytes(self, tmp_path: Path) -> None:
        made = draft()
        for name in ("a.edgecls", "b.edgecls"):
            write_bundle(made.manifest, made.artefacts, tmp_path / name)
        assert (tmp_path / "a.edgecls").read_bytes() == (tmp_path / "b.edgecls").read_bytes()

    @pytest.mark.parametrize("name", ["b", "b.edgecls"])
    def test_never_overwrites(self, tmp_path: Path, name: str) -> None:
        made = draft()
        write_bundle(made.manifest, made.artefacts, tmp_path / name)
        with pytest.raises(ConfigError, match="exists already"):
            write_bundle(made.manifest, made.artefacts, tmp_path / name)

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        made = draft()
        with pytest.raises(ConfigError, match="is not a folder"):
            write_bundle(made.manifest, made.artefacts, tmp_path / "no" / "b.edgecls")

    def test_every_variant_needs_its_content(self, tmp_path: Path) -> None:
        made = draft()
        with pytest.raises(BundleError, match=r"no content given for tflite-int8\.tflite"):
            write_bundle(made.manifest, {}, tmp_path / "b")

    def test_a_failure_leaves_nothing_behind(self, tmp_path: Path) -> None:
        made = draft()
        too_long = {**made.artefacts, "x" * 300: b""}
        with pytest.raises(BundleError, match="cannot be written: File name too long"):
            write_bundle(made.manifest, too_long, tmp_path / "b")
        assert list(tmp_path.iterdir()) == []
