"""Write a configuration file that explains itself, from the fields of sections/."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from edgecls._lib.validation import suggestion
from edgecls.config import Config
from edgecls.errors import ConfigError
from edgecls.sections.camera import CAMERA_SECTIONS
from edgecls.sections.section import Section
from edgecls.sections.sinks import SINK_SECTIONS
from edgecls.sections.triggers import TRIGGER_SECTIONS

EXAMPLES: dict[tuple[str, str], object] = {
    ("replay", "source"): "clips/door.mp4",
    ("rtsp", "source"): "rtsp://door.local/stream",
    ("http", "source"): "http://door.local/snapshot.jpg",
    ("button", "pin"): 17,
    ("mqtt", "host"): "broker.local",
    ("mqtt", "topic"): "doorbell/pressed",
    ("webhook", "url"): "https://home.example/doorbell",
    ("webhook", "secret_file"): "webhook-secret",
}
"""Values for what has no default, by kind and field."""
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
    lines += _table("[camera]", CAMERA_SECTIONS[camera], camera)
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            lines += _table(f"[{name}]", section, "")
    for name, sections in (("triggers", TRIGGER_SECTIONS), ("sinks", SINK_SECTIONS)):
        for kind, one in sections.items():
            lines += _table(f"[[{name}]]", one, kind, wish=True)
    return "\n".join(lines) + "\n"


def _table(head: str, section: type[Section], kind: str, *, wish: bool = False) -> list[str]:
    """Return a table with every field explained.

    Args:    wish: comment it out whole; who wants it takes the "#" of its lines away.
    """
    lines = ["", *_commented(section.__doc__ or ""), f"#{head}" if wish else head]
    fields = sorted(section.model_fields.items(), key=lambda item: item[0] != "kind")
    for key, field in fields:
        if key != "kind":
            lines += _explained(field)
        given = key == "kind" or field.default is PydanticUndefined
        value = kind if key == "kind" else EXAMPLES.get((kind, key), field.default)
        text = f"{key} =" if value is None else f"{key} = {_toml(value)}"
        lines.append(f"#{text}" if wish else text if given else f"# {text}")
    return lines


def _explained(field: FieldInfo) -> list[str]:
    """Return what a field is, with its bounds."""
    bounds = [
        f"{words} {value}"
        for item in field.metadata
        for attribute, words in _BOUNDS.items()
        if (value := getattr(item, attribute, None)) is not None
    ]
    text = field.description or ""
    return _commented(f"{text.rstrip('.')} ({', '.join(bounds)})." if bounds else text)


def _toml(value: Any) -> str:  # Any: whatever a field's default is
    return json.dumps(str(value) if isinstance(value, Path) else value)


def _commented(text: str) -> list[str]:
    paragraph = " ".join(text.split())
    return textwrap.wrap(paragraph, 96, initial_indent="# ", subsequent_indent="# ")
