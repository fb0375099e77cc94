"""The device's configuration: one TOML file, checked whole, every error told at once.

Every field has a unit in its name, bounds and a description; `edgecls config schema` prints them.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from edgecls._lib import toml
from edgecls._lib.urls import public_text
from edgecls._lib.validation import lines_from_validation, message_from_lines, suggestion
from edgecls.errors import ConfigError
from edgecls.sections.camera import CAMERA_SECTIONS, AnyCameraSection, CaptureSection
from edgecls.sections.judging import (
    ModelSection,
    MotionSection,
    TamperSection,
    VisitSection,
)
from edgecls.sections.section import Section
from edgecls.sections.store import StoreSection
from edgecls.sections.web import WebSection


class Config(Section):
    """The whole file."""

    camera: AnyCameraSection = Field(discriminator="kind")
    model: ModelSection = ModelSection()
    motion: MotionSection = MotionSection()
    visit: VisitSection = VisitSection()
    tamper: TamperSection = TamperSection()
    store: StoreSection = StoreSection()
    web: WebSection = WebSection()


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
    data, lines = _with_camera_kind(data)
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise _FaultyFileError([*lines, *lines_from_validation(error, Config)], origin) from error
    if lines:
        raise _FaultyFileError(lines, origin)
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


def _with_camera_kind(data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Put the kind of camera that was meant where none or a wrong one is given.

    Returns: the data, in which the table's other faults can be found, and the kind's own fault.
    """
    table = data.get("camera")
    if not isinstance(table, dict):
        return data, []
    kind = table.get("kind")
    if isinstance(kind, str) and kind in CAMERA_SECTIONS:
        return data, []
    if "kind" not in table:
        line = f"camera.kind: missing, expected one of {', '.join(CAMERA_SECTIONS)}"
    else:
        shown = public_text(str(kind))
        line = f"camera.kind: unknown kind {shown!r}, {suggestion(str(kind), CAMERA_SECTIONS)}"
    meant = _kind_meant(kind, table.get("source"))
    if meant is None:  # check what every camera has, and the names that none has
        ours = set(CaptureSection.model_fields)
        theirs = {name for section in CAMERA_SECTIONS.values() for name in section.model_fields}
        table = {name: value for name, value in table.items() if name not in theirs - ours}
        meant = "demo"
    return {**data, "camera": {**table, "kind": meant}}, [line]


def _kind_meant(kind: object, source: object) -> str | None:
    """Guess the kind of camera from a mistyped word, else from its source."""
    near = difflib.get_close_matches(str(kind), CAMERA_SECTIONS, n=1)
    if near:
        return near[0]
    if not isinstance(source, str):
        return None
    if "://" in source:
        return "http" if source.startswith("h") else "rtsp"
    return "v4l2" if source.startswith("/dev/") else "replay"


def _anchored(config: Config, base: Path) -> Config:
    """Make the paths that a person wrote relative to the file absolute."""
    store = config.store.model_copy(update={"folder": _placed(base, config.store.folder)})
    model = config.model
    if model.bundle is not None:
        model = model.model_copy(update={"bundle": _placed(base, model.bundle)})
    camera: Any = config.camera  # Any: a union whose members share no path field
    update = {
        name: _placed(base, getattr(camera, name))
        for name in ("source", "password_file")
        if isinstance(getattr(camera, name, None), Path)
    }
    camera = camera.model_copy(update=update)
    return config.model_copy(update={"store": store, "model": model, "camera": camera})


def _placed(base: Path, path: Path) -> Path:
    """Return a path of the file as it is meant: relative to `base`, or to a home after "~"."""
    try:
        return base / path.expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{path}: there is no such home folder", hint="write the whole path"
        ) from error
