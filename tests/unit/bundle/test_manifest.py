"""manifest.json: what is accepted, and how faults are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgecls.bundle.manifest import Manifest, is_safe_name, parse_manifest
from edgecls.errors import BundleError
from tests.tiny_bundles import manifest_dict, variant

GOOD = manifest_dict(variant("tflite-int8", b"model"))


def parsed(**changes: Any) -> Manifest:
    return parse_manifest(json.dumps({**GOOD, **changes}).encode(), origin="b")


def fault(**changes: Any) -> BundleError:
    with pytest.raises(BundleError) as caught:
        parsed(**changes)
    return caught.value


def changed_input(**changes: Any) -> dict[str, Any]:
    return {**GOOD["input"], **changes}


def test_defaults_and_round_trip() -> None:
    manifest = parsed()
    assert (manifest.input.color, manifest.input.resize) == ("rgb", "stretch")
    assert manifest.input.interpolation == "area"
    assert parse_manifest(manifest.as_bytes(), origin="again") == manifest
    assert manifest.as_bytes() == parsed().as_bytes()


def test_a_bundle_of_the_future_says_to_upgrade() -> None:
    error = fault(schema=2, something_new=True)
    assert "manifest schema 2, expected 1" in error.message
    assert error.hint is not None
    assert "upgrade" in error.hint
    assert error.exit_code == 4


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema": "one"}, "schema: Input should be 1, received 'one'"),
        ({"lables": []}, "lables: unknown field, did you mean 'labels'?"),
        ({"task": "detection"}, "task: Input should be 'classification', received 'detection'"),
        ({"labels": ["red"]}, "labels: Tuple should have at least 2 items"),
        ({"labels": ["red", "red"]}, "label 'red' appears more than once"),
        ({"variants": []}, "variants: Tuple should have at least 1 item"),
        (
            {"variants": [variant("a-b", b"1"), variant("a-b", b"2")]},
            "variant name 'a-b' appears more than once",
        ),
        ({"decision": {"label": "green", "threshold": 0.5}}, "'green' is not among the labels"),
        ({"decision": {"label": "red", "threshold": 1.5}}, "decision.threshold: "),
        ({"input": changed_input(width=0)}, "input.width: "),
        ({"input": changed_input(color="grey")}, "mean needs 1 values for grey, received 3"),
        ({"input": changed_input(std=[1, 0, 1])}, "std must be above 0, received 0"),
        ({"input": changed_input(pad_value=3)}, "pad_value is for letterbox only"),
        ({"input": changed_input(resize="fit")}, "input.resize: Input should be 'stretch'"),
        ({"variants": [variant("a-b", b"1", sha256="00")]}, "variants.0.sha256: "),
        ({"variants": [variant("a-b", b"1", file="../m.tflite")]}, "path inside the bundle"),
        ({"variants": [variant("a-b", b"1", file="/m.tflite")]}, "path inside the bundle"),
        ({"variants": [variant("a-b", b"1", file="manifest.json")]}, "path inside the bundle"),
    ],
)
def test_faults_are_told_with_their_place(changes: dict[str, Any], told: str) -> None:
    assert told in fault(**changes).message


def test_all_faults_are_told_at_once() -> None:
    message = fault(name="", version="", labels=[]).message
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == [
        "name",
        "version",
        "labels",
    ]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"schema": 1, "a": NaN}']
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError, match="b"):
        parse_manifest(data, origin="b")


def test_not_a_number_is_no_mean() -> None:
    text = json.dumps(GOOD).replace("[0, 0, 0]", "[NaN, 0, 0]")
    with pytest.raises(BundleError, match="finite"):
        parse_manifest(text.encode(), origin="b")


@pytest.mark.parametrize("name", ["model.tflite", "a/b.onnx", "a b.onnx", "..a", "modèle.onnx"])
def test_plain_relative_names_are_safe(name: str) -> None:
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "..",
        "../a",
        "a/../b",
        "a//b",
        "./a",
        "a/",
        "a\\b",
        "C:a",
        "a\0b",
        "a\nb",
        "x" * 256,
    ],
)
def test_names_that_may_lead_outside_are_not(name: str) -> None:
    assert not is_safe_name(name)
