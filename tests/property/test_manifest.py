"""Properties of the manifest: it survives writing, and no bytes whatever break its reader."""

from __future__ import annotations

import contextlib
import json
from pathlib import PurePosixPath
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edgecls.bundle.manifest import Manifest, is_safe_name, parse_manifest
from edgecls.errors import BundleError
from tests.tiny_bundles import manifest_dict, variant

WORDS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._+-]{0,20}\Z")
LABELS = st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=6, unique=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(WORDS, LABELS, st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_what_is_written_is_read_again(
    name: str, labels: list[str], training: dict[str, Any]
) -> None:
    manifest = Manifest.model_validate(
        manifest_dict(
            variant("tflite-int8", b"x"),
            name=name,
            labels=labels,
            provenance={"training": training},
        )
    )
    again = parse_manifest(manifest.as_bytes(), origin="b")
    assert again.labels == tuple(labels)
    assert again.as_bytes() == manifest.as_bytes()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_content_breaks_the_reader(data: bytes) -> None:
    with contextlib.suppress(BundleError):
        parse_manifest(data, origin="b")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_one_wrong_field_is_told_and_never_a_bug(data: st.DataObject) -> None:
    content = manifest_dict(variant("tflite-int8", b"x"))
    field = data.draw(st.sampled_from(sorted(content)))
    content[field] = data.draw(JSON)
    with contextlib.suppress(BundleError):
        parse_manifest(json.dumps(content).encode(), origin="b")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["a", "..", ".", "/", "\\", "b.c", " ", "\0", ":"]), max_size=6))
def test_a_safe_name_never_leaves_its_folder(parts: list[str]) -> None:
    name = "".join(parts)
    if is_safe_name(name):
        path = PurePosixPath("/bundle") / name
        assert path.parts[:2] == ("/", "bundle")
        assert ".." not in path.parts
        assert len(path.parts) > 2
