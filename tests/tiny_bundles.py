"""Bundles around the tiny golden models, which tell red pictures from blue ones."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgecls.bundle.manifest import Manifest
from edgecls.bundle.write import write_bundle
from edgecls.types import Pixels

MODELS = Path(__file__).parent / "golden" / "models"
LABELS = ("red", "blue")
SIDE = 8


def model(name: str) -> bytes:
    return (MODELS / name).read_bytes()


def variant(name: str, content: bytes, **changes: Any) -> dict[str, Any]:
    """Describe one artefact; its runtime is the first part of its name."""
    suffix = {"tflite": ".tflite", "onnx": ".onnx"}.get(name.partition("-")[0], ".bin")
    return {
        "name": name,
        "runtime": name.partition("-")[0],
        "precision": name.partition("-")[2],
        "file": name + suffix,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        **changes,
    }


def manifest_dict(*variants: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "tiny",
        "version": "1",
        "task": "classification",
        "input": {"width": SIDE, "height": SIDE, "mean": [0, 0, 0], "std": [255, 255, 255]},
        "output": {"activation": "none"},
        "labels": list(LABELS),
        "variants": list(variants),
        **changes,
    }


def tiny_bundle(out: Path, models: Mapping[str, bytes] | None = None, **changes: Any) -> Path:
    """Write a bundle of `models`, content by variant name; by default the two TFLite ones."""
    models = models or {
        "tflite-int8": model("int8.tflite"),
        "tflite-float32": model("float.tflite"),
    }
    described = [variant(name, content) for name, content in models.items()]
    manifest = Manifest.model_validate(manifest_dict(*described, **changes))
    artefacts = {
        entry["file"]: content for entry, content in zip(described, models.values(), strict=True)
    }
    write_bundle(manifest, artefacts, out)
    return out


def zip_of(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def picture(red: int, green: int, blue: int, width: int = 32, height: int = 20) -> Pixels:
    """Return a picture of one colour."""
    return np.full((height, width, 3), (red, green, blue), np.uint8)


RED, BLUE = picture(230, 40, 20), picture(20, 40, 230)
