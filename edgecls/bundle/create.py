"""Make a bundle from model files of any origin, after trying that each really runs as described."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from edgecls._lib.validation import message_from_validation
from edgecls.bundle.manifest import InputRule, Manifest, Variant
from edgecls.bundle.precision import precision_inside
from edgecls.bundle.spec import BundleSpec, InputSpec, VariantSpec
from edgecls.bundle.trial import try_model
from edgecls.errors import BundleError, ConfigError, InferenceError, MissingDependencyError
from edgecls.ports import Runtime
from edgecls.types import TensorSpec

Loader = Callable[[str, bytes], Runtime]
"""Load a model: (runtime, bytes) -> Runtime; MissingDependencyError where it cannot run here."""

RUNTIME_BY_SUFFIX: Mapping[str, str] = {".tflite": "tflite", ".onnx": "onnx"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle in memory, ready to be written.

    Args:    artefacts: content by file name.   untried: variants whose runtime does not run here,
             so that only their bytes are known to be right, and why it does not.
    """

    manifest: Manifest
    artefacts: Mapping[str, bytes]
    untried: Mapping[str, str]


def draft_from_spec(spec: BundleSpec, *, load: Loader) -> Draft:
    """Read the model files, try each, and fill in what the spec leaves out.

    Raises:  ConfigError for a spec that cannot be met; BundleError when a model does not fit it;
             InferenceError when a model cannot be loaded.
    """
    rule = _complete(spec.input)
    variants: list[Variant] = []
    artefacts: dict[str, bytes] = {}
    untried: dict[str, str] = {}
    for source in spec.variants:
        model, runtime_name = _read(source.file), _runtime_name(source)
        runtime = _loaded(load, runtime_name, model, source.file)
        if isinstance(runtime, MissingDependencyError):
            rule, precision = _taken_on_trust(source, rule, runtime)
        else:
            with runtime:
                rule = rule or _rule_from_model(spec.input, runtime.input, source.file)
                try_model(runtime, rule, spec.output, spec.labels, origin=str(source.file))
                precision = source.precision or _precision(runtime_name, model, runtime)
        variant = _variant(source, model, runtime_name, precision)
        if isinstance(runtime, MissingDependencyError):
            untried[variant.name] = runtime.message
        variants.append(variant)
        artefacts[variant.file] = model
    return Draft(_manifest(spec, rule, tuple(variants)), artefacts, untried)


def _loaded(
    load: Loader, runtime_name: str, model: bytes, file: Path
) -> Runtime | MissingDependencyError:
    try:
        return load(runtime_name, model)
    except MissingDependencyError as error:
        return error
    except InferenceError as error:
        raise InferenceError(f"{file}: {error.message}", hint=error.hint) from error


def _taken_on_trust(
    source: VariantSpec, rule: InputRule | None, why: MissingDependencyError
) -> tuple[InputRule, str]:
    """Return the rule and precision of a model that cannot be loaded here."""
    if rule is None or source.precision is None:
        raise ConfigError(
            f"{source.file}: {why.message}, so its input size and precision cannot be read",
            hint="mend that, or write width, height and precision into a spec"
            + (f"; {why.hint}" if why.hint else ""),
        ) from why
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


def _precision(runtime_name: str, model: bytes, runtime: Runtime) -> str:
    """Tell it by the input and output, or where these are float32 by what lies between."""
    dtypes = (runtime.input.dtype, runtime.output.dtype)
    if "int8" in dtypes or "uint8" in dtypes:
        return "int8"
    told = dtypes[0] in ("float32", "int16")
    return (precision_inside(runtime_name, model) if told else None) or dtypes[0]
