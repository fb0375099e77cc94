"""Write docs/configuration.md from the fields themselves: python -m scripts.configuration_page"""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from edgecls.config import Config
from edgecls.sections.camera import CAMERA_SECTIONS, CaptureSection
from edgecls.sections.section import Section
from edgecls.sections.sinks import SINK_SECTIONS
from edgecls.sections.triggers import TRIGGER_SECTIONS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
HEAD = """# Configuration

Written by `python -m scripts.configuration_page`; a test holds it equal to the code.

One TOML file per device: `edgecls run -c doorbell.toml`. Only `[camera]` with its `kind` must be
there. Units are part of the names: `_s` seconds, `_bytes` bytes. Relative paths are relative to the
file, `~` is the home folder. A flag of `edgecls run` wins over the file.

```toml
[camera]
kind = "rtsp"
source = "rtsp://viewer@192.168.1.20/stream1"
password_file = "camera-password"
keyframes_only = true        # for small processors

[store]
folder = "/var/lib/edgecls"
```

Several cameras are several tables `[[cameras]]` in the place of `[camera]`, each with a `name` of
its own. A `[[triggers]]` table rings, a `[[sinks]]` table is told; there may be several of each.

`edgecls config check FILE` tells every fault at once, each with its field and what was expected.
`edgecls config schema` prints the JSON Schema, for editors.
"""


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, "## [camera], whatever its kind\n", table(CaptureSection, skip=())]
    for kind, section in CAMERA_SECTIONS.items():
        parts += [
            f'## [camera] with kind = "{kind}"\n',
            f"{_summary(section)}\n",
            table(section, skip=(*CaptureSection.model_fields, "kind")),
        ]
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            parts += [f"## [{name}]\n", f"{_summary(section)}\n", table(section, skip=())]
    for head, sections in (("[[triggers]]", TRIGGER_SECTIONS), ("[[sinks]]", SINK_SECTIONS)):
        for kind, one in sections.items():
            title = f'## {head} with kind = "{kind}"\n'
            parts += [title, f"{_summary(one)}\n", table(one, skip=("kind",))]
    return "\n".join(parts)


def _summary(section: type[Section]) -> str:
    return (section.__doc__ or "").strip()


def table(section: type[BaseModel], *, skip: tuple[str, ...]) -> str:
    lines = ["| field | default | values | what it is |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{name}` | {_default(field)} | {_values(field)} | {field.description} |"
        for name, field in section.model_fields.items()
        if name not in skip
    ]
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "must be given"
    if field.default is None:
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    if isinstance(field.default, str | Path):
        return f'`"{field.default}"`'
    if isinstance(field.default, tuple):
        return f"`{list(field.default)}`"
    return f"`{field.default}`"


def _values(field: FieldInfo) -> str:
    words = [_type_name(field.annotation)]
    signs = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
    for bound in field.metadata:
        words += [
            f"{word} {getattr(bound, sign)}" for sign, word in signs.items() if hasattr(bound, sign)
        ]
        if pattern := getattr(bound, "pattern", None):
            words.append(f"matching `{pattern.replace('|', chr(92) + '|')}`")
        if hasattr(bound, "max_length"):
            listed = typing.get_origin(field.annotation) is tuple
            words.append(f"at most {bound.max_length} {'of them' if listed else 'characters'}")
    return " ".join(words)


def _type_name(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Annotated:
        return _type_name(typing.get_args(kind)[0])
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f'`"{word}"`' for word in typing.get_args(kind))
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join(_type_name(k) for k in typing.get_args(kind) if k is not type(None))
    if typing.get_origin(kind) is tuple:
        names = [_type_name(k) for k in typing.get_args(kind) if k is not ...]
        pair = ... not in typing.get_args(kind)
        return f"[{', '.join(names)}]" if pair else f"list, each {names[0]}"
    if typing.get_origin(kind) is dict:
        return f"table, each value {_type_name(typing.get_args(kind)[1])}"
    plain = {float: "number", int: "whole number", str: "text", bool: "`true` or `false`"}
    return plain.get(
        kind, "path" if kind is Path else "secret text" if kind is SecretStr else str(kind)
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE}")
