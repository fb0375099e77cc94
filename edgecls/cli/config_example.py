"""Write a configuration file that explains itself, from the fields of sections/."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from edgecls._lib.validation import suggestion
from edgecls.config import Config
from edgecls.errors import ConfigError
from edgecls.sections.camera import CAMERA_SECTIONS
from edgecls.sections.section import Section

SOURCES = {"replay": "clips/door.mp4", "rtsp": "rtsp://door.local/stream",
           "http": "http://door.local/snapshot.jpg"}  # fmt: skip
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def example_toml(camera: str) -> str:
    """Return a file for a kind of camera that loads as it is; defaults are commented out.

    Raises:  ConfigError for a kind that is unknown.
    """
    if camera not in CAMERA_SECTIONS:
        raise ConfigError(
            f"unknown camera {camera!r}", hint=suggestion(camera, list(CAMERA_SECTIONS))
        )
    lines = ["# edgecls run -c this-file.toml", "# A line that is commented out is the default."]
    for name, field in Config.model_fields.items():
        section = CAMERA_SECTIONS[camera] if name == "camera" else field.annotation
        assert isinstance(section, type) and issubclass(section, Section)  # noqa: S101, PT018
        lines += ["", *_commented(section.__doc__ or ""), f"[{name}]"]
        for key, item in section.model_fields.items():
            lines += _lines_from_field(key, item, camera)
    return "\n".join(lines) + "\n"


def _lines_from_field(key: str, field: FieldInfo, camera: str) -> Iterator[str]:
    if key == "kind":
        yield f"kind = {json.dumps(camera)}"
        return
    bounds = [
        f"{words} {value}"
        for item in field.metadata
        for attribute, words in _BOUNDS.items()
        if (value := getattr(item, attribute, None)) is not None
    ]
    text = field.description or ""
    yield from _commented(f"{text.rstrip('.')} ({', '.join(bounds)})." if bounds else text)
    if field.default is PydanticUndefined:
        yield f"{key} = {json.dumps(SOURCES[camera])}"
    elif field.default is None:
        yield f"# {key} ="
    else:
        yield f"# {key} = {_toml(field.default)}"


def _toml(value: Any) -> str:  # Any: whatever a field's default is
    return json.dumps(str(value) if isinstance(value, Path) else value)


def _commented(text: str) -> list[str]:
    paragraph = " ".join(text.split())
    return textwrap.wrap(paragraph, 96, initial_indent="# ", subsequent_indent="# ")
