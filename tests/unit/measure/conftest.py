"""A bundle without an engine, and images that it judges by their brightness."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.bundle.manifest import Decision, InputRule, Manifest, OutputRule, Variant
from edgecls.bundle.open import Bundle, open_bundle

FAKES = {
    "fake": "edgecls.testing.runtime:FakeRuntime",
    "other": "edgecls.testing.runtime:FakeRuntime",
    "absent": "edgecls_has_no_such_module:Runtime",
}
BundleMaker = Callable[..., Bundle]


@pytest.fixture
def make_bundle(tmp_path: Path) -> BundleMaker:
    """Return a function of (name, runtime, precision, bias) rows that writes and opens a bundle."""

    def make(*rows: tuple[str, str, str, float], decision: bool = True) -> Bundle:
        folder = tmp_path / "bundle"
        folder.mkdir(exist_ok=True)
        variants = []
        for name, runtime, precision, bias in rows:
            data = json.dumps({"width": 8, "height": 8, "bias": bias}).encode()
            (folder / f"{name}.json").write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            variants.append(
                Variant(
                    name=name,
                    runtime=runtime,
                    precision=precision,
                    file=f"{name}.json",
                    sha256=digest,
                    bytes=len(data),
                )
            )
        manifest = Manifest(
            name="bright",
            version="1.0",
            input=InputRule(width=8, height=8, mean=(0, 0, 0), std=(255, 255, 255)),
            output=OutputRule(activation="none"),
            labels=("dark", "bright"),
            decision=Decision(label="bright", threshold=0.5) if decision else None,
            variants=tuple(variants),
        )
        (folder / "manifest.json").write_bytes(manifest.as_bytes())
        return open_bundle(folder)

    return make


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a CSV of 40 flat grey images, levels 3, 9, ... 237; from 120 on they are bright."""
    folder = tmp_path / "images"
    folder.mkdir()
    lines = ["file,label,split,mean_luma,room"]
    for place in range(40):
        level = 3 + 6 * place
        cv2.imwrite(str(folder / f"{place:02}.png"), np.full((8, 8, 3), level, np.uint8))
        label = "bright" if level >= 120 else "dark"
        split = "test" if place % 2 else "train"
        lines.append(f"{place:02}.png,{label},{split},{level},{'hall' if place < 20 else 'yard'}")
    table = folder / "manifest.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
