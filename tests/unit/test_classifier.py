"""From pixels to scores, with every tiny model and through the fake."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from edgecls.bundle.open import open_bundle
from edgecls.classifier import Classifier
from edgecls.errors import ConfigError, EdgeclsError, InferenceError, MissingDependencyError
from edgecls.runtimes import RUNTIMES
from tests.tiny_bundles import BLUE, RED, model, picture, tiny_bundle

FAKE = {"fake": "edgecls.testing.runtime:FakeRuntime"}
BRIGHT = {"fake-a": b'{"width": 8, "height": 8}'}
GREY = picture(100, 100, 100)


def opened(path: Path, models: dict[str, bytes] | None = None, **changes: Any) -> Classifier:
    return Classifier(open_bundle(tiny_bundle(path, models, **changes)))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("tflite-float32", "float.tflite"),
        ("tflite-int8", "int8.tflite"),
        ("tflite-sigmoid", "sigmoid.tflite"),
        ("onnx-nhwc", "nhwc.onnx"),
        ("onnx-nchw", "nchw.onnx"),
        ("onnx-int8", "qdq.onnx"),
    ],
)
def test_red_is_red_and_blue_is_blue(tmp_path: Path, name: str, file: str) -> None:
    if name.startswith("onnx"):
        pytest.importorskip("onnxruntime")
    with opened(tmp_path / "b", {name: model(file)}) as classifier:
        for pixels, label in ((RED, "red"), (BLUE, "blue")):
            found = classifier.classify(pixels)
            assert found.label == label
            assert list(found.scores) == ["red", "blue"]
            # exactly 0.998635; int8 answers in steps of 1/256
            assert found.scores[label] == pytest.approx(0.998635, abs=1 / 256)
            assert sum(found.scores.values()) == pytest.approx(1, abs=1 / 256)
            assert found.latency_ms > 0


def test_a_bgr_model_gets_bgr(tmp_path: Path) -> None:
    rule = {"width": 8, "height": 8, "color": "bgr", "mean": [0] * 3, "std": [255] * 3}
    with opened(tmp_path / "b", input=rule) as classifier:
        assert classifier.classify(RED).label == "blue"  # the tiny model takes it for RGB


def test_auto_takes_the_authors_first(tmp_path: Path) -> None:
    with opened(tmp_path / "b") as classifier:
        assert classifier.variant.name == "tflite-int8"


def test_auto_passes_over_what_cannot_run_here(tmp_path: Path) -> None:
    models = {"npu-int8": b"?", "gone-int8": b"?", "tflite-int8": model("int8.tflite")}
    bundle = open_bundle(tiny_bundle(tmp_path / "b", models))
    table = {"gone": "library_that_nobody_has:Gone", "tflite": RUNTIMES["tflite"]}
    with Classifier(bundle, runtimes=table) as classifier:
        assert classifier.variant.name == "tflite-int8"


def test_auto_warns_of_a_library_that_is_there_and_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = "libgomp.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "half_a_library.py").write_text(f"raise ImportError({text!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    models = {"gone-int8": b"?", "half-int8": b"?", "tflite-int8": model("int8.tflite")}
    bundle = open_bundle(tiny_bundle(tmp_path / "b", models))
    table = {
        "gone": "library_that_nobody_has:Gone",
        "half": "half_a_library:Half",
        "tflite": RUNTIMES["tflite"],
    }
    with Classifier(bundle, runtimes=table) as classifier:
        assert classifier.variant.name == "tflite-int8"
    (warned,) = [line for line in caplog.records if line.levelno >= logging.WARNING]
    assert "variant half-int8 cannot run here" in warned.message
    assert "lacks a library of the system: libgomp.so.1" in warned.message


def test_auto_without_any_library_says_what_to_install(tmp_path: Path) -> None:
    bundle = open_bundle(tiny_bundle(tmp_path / "b", {"gone-int8": b"?"}))
    with pytest.raises(MissingDependencyError, match="library_that_nobody_has"):
        Classifier(bundle, runtimes={"gone": "library_that_nobody_has:Gone"})


def test_a_bundle_for_runtimes_of_the_future(tmp_path: Path) -> None:
    bundle = open_bundle(tiny_bundle(tmp_path / "b", {"npu-int8": b"?"}))
    with pytest.raises(ConfigError, match="need the runtimes npu; this edgecls has tflite, onnx"):
        Classifier(bundle)


@pytest.mark.parametrize(
    ("variant", "told", "hint"),
    [
        ("tflite-int9", "no variant 'tflite-int9'", "did you mean 'tflite-int8'?"),
        ("zzz", "no variant 'zzz'", "expected one of tflite-int8, tflite-float32"),
    ],
)
def test_an_unknown_variant(tmp_path: Path, variant: str, told: str, hint: str) -> None:
    bundle = open_bundle(tiny_bundle(tmp_path / "b"))
    with pytest.raises(ConfigError, match=told) as caught:
        Classifier(bundle, variant=variant)
    assert caught.value.hint == hint


def test_a_model_that_is_none_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(InferenceError, match=r"b: tflite-int8\.tflite: not a TFLite model"):
        opened(tmp_path / "b", {"tflite-int8": b"rubbish"})


@pytest.mark.parametrize(
    "changes",
    [
        {"input": {"width": 9, "height": 8, "mean": [0] * 3, "std": [255] * 3}},
        {"labels": ["a", "b", "c"]},
    ],
)
def test_a_manifest_that_does_not_fit_its_model(tmp_path: Path, changes: Any) -> None:
    with pytest.raises(EdgeclsError, match=r"the model (expects|has)"):
        opened(tmp_path / "b", **changes)


@pytest.mark.parametrize(("threshold", "label"), [(0.3, "blue"), (0.5, "red")])
def test_with_two_labels_the_decision_rules(tmp_path: Path, threshold: float, label: str) -> None:
    decision = {"label": "blue", "threshold": threshold}
    bundle = open_bundle(tiny_bundle(tmp_path / "b", BRIGHT, decision=decision))
    with Classifier(bundle, runtimes=FAKE) as classifier:
        found = classifier.classify(GREY)  # the fake's second score is 100 / 255 = 0.392
    assert found.label == label
    assert found.scores["blue"] == pytest.approx(100 / 255, abs=1e-6)


def test_a_model_that_fails_and_a_closed_one(tmp_path: Path) -> None:
    broken = {"fake-a": b'{"width": 8, "height": 8, "fails": true}'}
    classifier = Classifier(open_bundle(tiny_bundle(tmp_path / "b", broken)), runtimes=FAKE)
    with pytest.raises(InferenceError, match="told to fail"):
        classifier.classify(GREY)
    classifier.close()
    classifier.close()
    with pytest.raises(InferenceError, match="closed"):
        classifier.classify(GREY)
