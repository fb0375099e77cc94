"""What a person gives to make a bundle: a manifest without what the files themselves tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from edgecls._lib.validation import message_from_validation
from edgecls.bundle.manifest import (
    Accuracy,
    Decision,
    OutputRule,
    Part,
    PixelRule,
    Provenance,
    Word,
)
from edgecls.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class InputSpec(PixelRule):
    """The input rule; a size that is left out is the model's own."""

    width: int | None = Field(None, ge=1, le=4096)
    height: int | None = Field(None, ge=1, le=4096)


class VariantSpec(Part):
    """One model file; what is left out is read from the file."""

    file: Path
    name: Word | None = None
    runtime: Word | None = None
    precision: Word | None = None
    recipe: str | None = None
    accuracy: Accuracy | None = None


class BundleSpec(Part):
    """The whole request. The order of `variants` is the author's preference."""

    name: Word
    version: Word = "1"
    input: InputSpec
    output: OutputRule = OutputRule(activation="none")
    labels: tuple[str, ...] = Field(min_length=2)
    decision: Decision | None = None
    variants: tuple[VariantSpec, ...] = Field(min_length=1)
    provenance: Provenance = Provenance()
    license: str | None = None


def load_spec(path: Path) -> BundleSpec:
    """Read a TOML file; paths in it are relative to its folder.

    Raises:  ConfigError with every fault, a line each.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read {path}: {error}", hint="give the path of a TOML file"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    spec = spec_from_mapping(content, origin=str(path))
    variants = tuple(
        variant.model_copy(update={"file": path.parent / variant.file}) for variant in spec.variants
    )
    return spec.model_copy(update={"variants": variants})


def spec_from_mapping(content: dict[str, Any], *, origin: str) -> BundleSpec:
    """Check a request that is already parsed. Raises: ConfigError with every fault."""
    try:
        return BundleSpec.model_validate(content)
    except ValidationError as error:
        raise ConfigError(
            message_from_validation(error, BundleSpec, origin=origin),
            hint="edgecls bundle create --help tells every field",
        ) from error
