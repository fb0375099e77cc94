"""Make a bundle from model files of any origin, after trying that each really runs as described."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from edgecls._lib.validation import message_from_validation
from edgecls.bundle.manifest import InputRule, Manifest, Variant
from edgecls.bundle.spec import BundleSpec, InputSpec, VariantSpec
from edgecls.bundle.trial import try_model
from edgecls.errors import BundleError, ConfigError, InferenceError
from edgecls.ports import Runtime
from edgecls.types import TensorSpec

Loader = Callable[[str, bytes], Runtime | None]
"""Load a model: (runtime, bytes) -> Runtime, or None where that runtime's library is missing."""

RUNTIME_BY_SUFFIX: Mapping[str, str] = {".tflite": "tflite", ".onnx": "onnx"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle in memory, ready to be written.

    Args:    artefacts: content by file name.   untried: names of the variants whose runtime is not
             installed here, so that only their bytes are known to be right.
    """

    manifest: Manifest
    artefacts: Mapping[str, bytes]
    untried: tuple[str, ...]


def draft_from_spec(spec: BundleSpec, *, load: Loader) -> Draft:
    """Read the model files, try each, and fill in what the spec leaves out.

    Raises:  ConfigError for a spec that cannot be met; BundleError when a model does not fit it;
             InferenceError when a model cannot be loaded.
    """
    rule = _complete(spec.input)
    variants: list[Variant] = []
    artefacts: dict[str, bytes] = {}
    untried: list[str] = []
    for source in spec.variants:
        model, runtime_name = _read(source.file), _runtime_name(source)
        runtime = _loaded(load, runtime_name, model, source.file)
        if runtime is None:
            rule, precision = _taken_on_trust(source, rule)
        else:
            with runtime:
                rule = rule or _rule_from_model(spec.input, runtime.input, source.file)
                try_model(runtime, rule, spec.output, spec.labels, origin=str(source.file))
                precision = source.precision or _precision(model, runtime)
        variant = _variant(source, model, runtime_name, precision)
        if runtime is None:
            untried.append(variant.name)
        variants.append(variant)
        artefacts[variant.file] = model
    return Draft(_manifest(spec, rule, tuple(variants)), artefacts, tuple(untried))


def _loaded(load: Loader, runtime_name: str, model: bytes, file: Path) -> Runtime | None:
    try:
        return load(runtime_name, model)
    except InferenceError as error:
        raise InferenceError(f"{file}: {error.message}", hint=error.hint) from error


def _taken_on_trust(source: VariantSpec, rule: InputRule | None) -> tuple[InputRule, str]:
    """Return the rule and precision of a model that cannot be loaded here."""
    if rule is None or source.precision is None:
        raise ConfigError(
            f"{source.file}: its runtime is not installed here, so its input size and precision "
            "cannot be read",
            hint="install the runtime, or write width, height and precision into a spec",
        )
    return rule, source.precision


def _variant(source: VariantSpec, model: bytes, runtime_name: str, precision: str) -> Variant:
    name = source.name or f"{runtime_name}-{precision}"
    return Variant(
        name=name,
        runtime=runtime_name,
        precision=precision,
        recipe=source.recipe,
        file=f"{name}{source.file.suffix}",
        sha256=hashlib.sha256(model).hexdigest(),
        bytes=len(model),
        accuracy=source.accuracy,
    )


def _manifest(spec: BundleSpec, rule: InputRule | None, variants: tuple[Variant, ...]) -> Manifest:
    try:
        return Manifest.model_validate(
            {
                "name": spec.name,
                "version": spec.version,
                "input": rule,
                "output": spec.output,
                "labels": spec.labels,
                "decision": spec.decision,
                "variants": variants,
                "provenance": spec.provenance,
                "license": spec.license,
            }
        )
    except ValidationError as error:
        raise ConfigError(
            message_from_validation(error, Manifest, origin="the bundle"),
            hint="give variants of one kind different names: name = ... in a spec",
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror or error}", hint="check the path"
        ) from error


def _runtime_name(source: VariantSpec) -> str:
    name = source.runtime or RUNTIME_BY_SUFFIX.get(source.file.suffix.lower())
    if name is None:
        raise ConfigError(
            f"{source.file}: expected a file ending in {' or '.join(RUNTIME_BY_SUFFIX)}",
            hint="convert the model to TFLite or ONNX first",
        )
    return name


def _complete(spec: InputSpec) -> InputRule | None:
    """Return the rule when the spec gives its size."""
    if spec.width is None or spec.height is None:
        return None
    return InputRule.model_validate(spec.model_dump())


def _rule_from_model(spec: InputSpec, tensor: TensorSpec, file: Path) -> InputRule:
    """Take width and height from the model's input."""
    shape, channels = tensor.shape, (1 if spec.color == "grey" else 3)
    if len(shape) == 4 and shape[3] == channels:
        height, width = shape[1:3]
    elif len(shape) == 4 and shape[1] == channels:
        height, width = shape[2:4]
    else:
        raise BundleError(
            f"{file}: the model's input is {shape}, expected (1, height, width, {channels}) or "
            f"(1, {channels}, height, width) for {spec.color}",
            hint="--color grey is for models with one channel",
        )
    size = {"width": spec.width or width, "height": spec.height or height}
    return InputRule.model_validate({**spec.model_dump(), **size})


def _precision(model: bytes, runtime: Runtime) -> str:
    """Tell float from int8: by the tensors, or by the operator that every QDQ graph has."""
    dtypes = (runtime.input.dtype, runtime.output.dtype)
    if "int8" in dtypes or "uint8" in dtypes or b"DequantizeLinear" in model:
        return "int8"
    return dtypes[0]
