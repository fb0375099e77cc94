"""The device's configuration: one TOML file, checked whole, every error told at once.

Every field has a unit in its name, bounds and a description; `edgecls config schema` prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from edgecls._lib import toml
from edgecls._lib.validation import lines_from_validation, message_from_lines
from edgecls.errors import ConfigError
from edgecls.sections.camera import AnyCameraSection
from edgecls.sections.judging import (
    ModelSection,
    MotionSection,
    TamperSection,
    VisitSection,
)
from edgecls.sections.lists import faults_between, with_kinds
from edgecls.sections.section import Section
from edgecls.sections.sinks import AnySinkSection
from edgecls.sections.store import StoreSection
from edgecls.sections.triggers import AnyTriggerSection
from edgecls.sections.web import WebSection


def _with_shorthand(schema: dict[str, Any]) -> None:
    """Tell editors that [camera] may stand for one [[cameras]]."""
    properties = schema["properties"]
    cameras = properties.pop("cameras")
    schema["properties"] = {"camera": cameras["items"], "cameras": cameras, **properties}
    schema["required"] = [name for name in schema["required"] if name != "cameras"]
    schema["oneOf"] = [{"required": ["camera"]}, {"required": ["cameras"]}]


class Config(Section):
    """The whole file."""

    model_config = ConfigDict(json_schema_extra=_with_shorthand)

    cameras: tuple[Annotated[AnyCameraSection, Field(discriminator="kind")], ...] = Field(
        min_length=1, max_length=16
    )
    model: ModelSection = ModelSection()
    motion: MotionSection = MotionSection()
    visit: VisitSection = VisitSection()
    tamper: TamperSection = TamperSection()
    store: StoreSection = StoreSection()
    web: WebSection = WebSection()
    triggers: tuple[AnyTriggerSection, ...] = Field((), max_length=16)
    sinks: tuple[AnySinkSection, ...] = Field((), max_length=16)

    @property
    def camera(self) -> AnyCameraSection:
        """Return the first camera: the only one where `of_each_camera` made this."""
        return self.cameras[0]

    def of_each_camera(self) -> Iterator[Config]:
        """Return, for each camera, the configuration of a watch on that one alone."""
        for camera in self.cameras:
            yield self.model_copy(update={"cameras": (camera,)})


def load(path: Path) -> Config:
    """Read and check one TOML file. Relative paths in it are relative to its folder.

    Raises:  ConfigError with every fault in one message, a line each.
    """
    return from_mapping(read(path), origin=str(path), base=path.parent)


def read(path: Path) -> dict[str, Any]:
    """Read one TOML file without checking what it says.

    Raises:  ConfigError when it cannot be read or is not TOML.
    """
    try:
        return toml.read(path)
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}", hint="give the path of a TOML file"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{path} is not TOML: {error}", hint="edgecls config example prints a correct file"
        ) from error


def from_mapping(data: dict[str, Any], *, origin: str, base: Path | None = None) -> Config:
    """Check a configuration that is already parsed.

    Args:    origin: named in messages.   base: folder for relative paths, None leaves them.
    Raises:  ConfigError as `load`.
    """
    shorthand = "cameras" not in data
    data, lines = _without_shorthand(data)
    between = faults_between(data)
    data, kinds = with_kinds(data)
    lines += [*kinds, *between]
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        found = [*lines, *lines_from_validation(error, Config)]
        raise _FaultyFileError(_as_written(found, shorthand), origin) from error
    if lines:
        raise _FaultyFileError(_as_written(lines, shorthand), origin)
    return config if base is None else _anchored(config, base)


def faults(error: ConfigError) -> tuple[str, ...]:
    """Return what `load` found wrong, one text per fault, without the lines that tie them up."""
    return error.lines if isinstance(error, _FaultyFileError) else (error.message,)


class _FaultyFileError(ConfigError):
    """Keep the faults apart beside the message that tells them all."""

    def __init__(self, lines: Sequence[str], origin: str) -> None:
        super().__init__(
            message_from_lines(lines, origin=origin),
            hint="edgecls config schema prints every field with its bounds",
        )
        self.lines = tuple(lines)


def _without_shorthand(data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Make a [camera] the only one of the [[cameras]]; return also what is wrong with that."""
    if "camera" not in data:
        return data, []
    others = {name: value for name, value in data.items() if name != "camera"}
    if "cameras" in data:
        return others, ["camera: expected either [camera] or [[cameras]], not both"]
    return {**others, "cameras": [data["camera"]]}, []


def _as_written(lines: Sequence[str], shorthand: bool) -> list[str]:
    """Name a [camera] in the faults as it stands in the file."""
    if not shorthand:
        return list(lines)
    return [re.sub(r"^cameras(\.0)?(?=[.:])", "camera", line) for line in lines]


def _anchored(config: Config, base: Path) -> Config:
    """Make the paths that a person wrote relative to the file absolute."""
    update = {name: _with_paths(getattr(config, name), base) for name in Config.model_fields}
    return config.model_copy(update=update)


def _with_paths(part: Any, base: Path) -> Any:  # Any: a section, a tuple of them, or a value
    """Return `part` with every path in it placed."""
    if isinstance(part, tuple):
        return tuple(_with_paths(item, base) for item in part)
    if not isinstance(part, Section):
        return part
    update = {
        name: _placed(base, value)
        for name in type(part).model_fields
        if isinstance(value := getattr(part, name), Path) and not _is_name(part, name, base)
    }
    return part.model_copy(update=update)


def _is_name(part: Section, field: str, base: Path) -> bool:
    """Tell a bare word that names something from a file beside the configuration."""
    value: Path = getattr(part, field)
    return field in part.may_name and len(value.parts) == 1 and not (base / value).exists()


def _placed(base: Path, path: Path) -> Path:
    """Return a path of the file as it is meant: relative to `base`, or to a home after "~"."""
    try:
        return base / path.expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{path}: there is no such home folder", hint="write the whole path"
        ) from error
