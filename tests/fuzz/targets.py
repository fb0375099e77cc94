"""Everything that reads what others wrote, each with inputs to try it on.

A target's check raises for what must not happen. The errors that a user is told (EdgeclsError) are
what should happen for a faulty input; any other exception is a bug.
"""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

from edgecls import config as configuration
from edgecls._lib import toml
from edgecls.bundle.images import pixels_from_bytes
from edgecls.bundle.manifest import parse_manifest
from edgecls.bundle.open import open_bundle
from edgecls.cli.config_example import example_toml
from edgecls.errors import BundleError, ConfigError, ImageError
from tests.fuzz import http_targets, mqtt_targets
from tests.fuzz.strategies import any_value, made, mutated_bytes, mutated_tables
from tests.fuzz.target import Target
from tests.tiny_bundles import manifest_dict, tiny_bundle, variant


def _config_values() -> Target:
    examples = [_parsed(example_toml(kind)) for kind in ("rtsp", "http", "v4l2", "replay")]

    def check(data: dict[str, Any]) -> None:
        with contextlib.suppress(ConfigError):
            configuration.from_mapping(data, origin="fuzz", base=Path("/nowhere"))

    tables = list(examples[0])

    def noise(chance: random.Random) -> dict[str, Any]:
        return {chance.choice(tables): any_value(chance) for _ in range(chance.randrange(4))}

    inputs = mutated_tables(examples) | made(noise)
    return Target("configuration, values", inputs, check, 2.0)


def _config_text() -> Target:
    texts = [example_toml(kind).encode() for kind in ("rtsp", "replay")]
    folder = Path(tempfile.mkdtemp(prefix="edgecls-fuzz-"))

    def check(data: bytes) -> None:
        path = folder / "doorbell.toml"
        path.write_bytes(data)
        with contextlib.suppress(ConfigError):
            configuration.load(path)

    return Target("configuration, file", mutated_bytes(texts) | st.binary(max_size=60), check, 0.5)


def _manifest() -> Target:
    valid = manifest_dict(variant("tflite-int8", b"x"), variant("onnx-int8", b"y"))

    def check(data: bytes) -> None:
        with contextlib.suppress(BundleError):
            parse_manifest(data, origin="fuzz")

    changed = mutated_tables([valid]).map(lambda value: json.dumps(value).encode())
    broken = mutated_bytes([json.dumps(valid).encode()])
    return Target("bundle, manifest", changed | broken | st.binary(max_size=80), check, 2.0)


def _bundle_file() -> Target:
    folder = Path(tempfile.mkdtemp(prefix="edgecls-fuzz-"))
    source = tiny_bundle(folder / "tiny", {"tflite-int8": b"small"})
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*")):
            archive.write(path, path.relative_to(source).as_posix())

    def check(data: bytes) -> None:
        path = folder / "fuzz.edgecls"
        path.write_bytes(data)
        with contextlib.suppress(BundleError):
            bundle = open_bundle(path)
            for one in bundle.manifest.variants:
                bundle.artefact(one)

    return Target("bundle, file", mutated_bytes([packed.getvalue()]), check, 1.0)


def _jpeg() -> Target:
    shapes = ((8, 8), (48, 64), (17, 31))
    pictures = []
    for height, width in shapes:
        noise = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
        for ending in (".jpg", ".png"):
            done, data = cv2.imencode(ending, noise)
            assert done
            pictures.append(data.tobytes())

    def check(data: bytes) -> None:
        with contextlib.suppress(ImageError):
            pixels = pixels_from_bytes(data)
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3
            assert pixels.shape[2] == 3

    return Target("JPEG and PNG", mutated_bytes(pictures) | st.binary(max_size=80), check, 2.0)


def _parsed(text: str) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(text.encode())
        file.flush()
        return toml.read(Path(file.name))


TARGETS: Mapping[str, Callable[[], Target]] = {
    "config_values": _config_values,
    "config_text": _config_text,
    "manifest": _manifest,
    "bundle_file": _bundle_file,
    "jpeg": _jpeg,
    "mqtt_trigger": mqtt_targets.trigger,
    "mqtt_commands": mqtt_targets.commands,
    "http_by_nobody": http_targets.by_nobody,
    "http_by_an_owner": http_targets.by_an_owner,
}
