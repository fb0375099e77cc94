"""Describe freshly quantized artefacts: the manifest, with where everything came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version as version_of
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from edgecls import __version__
from edgecls.bundle.manifest import Manifest, Provenance, Variant, Word
from edgecls.bundle.tensorrt_float import with_tensorrt_float
from edgecls.errors import ConfigError
from edgecls.lab.quantization.artefacts import Artefact
from edgecls.lab.quantization.calibration_set import CalibrationSet
from edgecls.lab.quantization.pipeline import sha256_of
from edgecls.lab.quantization.recording import Recording

PREFERENCE = ("tensorrt-int8", "tflite-int8", "onnx-int8", "tflite-float32", "onnx-float32")
TOOLS = ("keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime", "ai-edge-quantizer")


def check_word(option: str, word: str) -> None:
    """Refuse a name or version that no manifest may hold. Raises: ConfigError."""
    try:
        TypeAdapter(Word).validate_python(word)
    except ValidationError as error:
        raise ConfigError(
            f"{option} {word!r}: expected 1 to 80 letters, digits and . _ + -, a letter or digit "
            "first"
        ) from error


def manifest_from_artefacts(
    artefacts: Sequence[Artefact],
    wanted: CalibrationSet,
    recording: Recording | None,
    *,
    name: str,
    version: str,
    model: Path,
    method: str,
    weights: str = "per_channel",
) -> Manifest:
    """Return a bundle's manifest: input rule, labels and decision are the calibration set's."""
    ordered = sorted(artefacts, key=_preference)
    return Manifest(
        name=name,
        version=version,
        input=wanted.input,
        output=wanted.output,
        labels=wanted.labels,
        decision=wanted.decision,
        variants=with_tensorrt_float([_variant(artefact) for artefact in ordered]),
        provenance=Provenance(
            training={"model": model.name, "sha256": sha256_of(model)},
            calibration=_calibration(recording, method, weights) if recording else {},
        ),
    )


def _calibration(recording: Recording, method: str, weights: str) -> dict[str, JsonValue]:
    tools: dict[str, JsonValue] = {tool: version_of(tool) for tool in TOOLS}
    return {
        "set": recording.calibration_set,
        "images": len(recording.images),
        "images_sha256": hashlib.sha256("".join(recording.images).encode()).hexdigest(),
        "method": method,
        "weights": weights,
        "improvements": list(recording.steps),
        "bias_correction": bool(recording.shifts),
        "learned_rounding": bool(recording.rounding),
        "tools": {**tools, "edgecls": __version__},
    }


def _preference(artefact: Artefact) -> int:
    known = artefact.name in PREFERENCE
    return PREFERENCE.index(artefact.name) if known else len(PREFERENCE)


def _variant(artefact: Artefact) -> Variant:
    return Variant(
        name=artefact.name,
        runtime=artefact.runtime,
        precision=artefact.precision,
        recipe=artefact.recipe,
        file=artefact.name + artefact.suffix,
        sha256=hashlib.sha256(artefact.data).hexdigest(),
        bytes=len(artefact.data),
    )
