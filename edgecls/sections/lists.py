"""Tables of which there may be several: their kinds, and names that must tell them apart."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgecls._lib.slug import slug
from edgecls._lib.urls import public_text
from edgecls._lib.validation import suggestion
from edgecls.sections.camera import CAMERA_SECTIONS, CaptureSection
from edgecls.sections.section import Section
from edgecls.sections.sinks import SINK_SECTIONS, SinkSection
from edgecls.sections.triggers import TRIGGER_SECTIONS, TriggerSection

Table = dict[str, Any]  # Any: what TOML holds, not checked yet


@dataclass(frozen=True, slots=True)
class TableList:
    """One list of tables, [[field]].

    Args:    field: its name in the file.   noun: for one of its tables.
             sections: kind to class.   common: the class of what all kinds have.
             guess: the kind that a table without a good one means, by its fields; None: no idea.
             stand_in: a table without faults, for the case that there is no idea.
    """

    field: str
    noun: str
    sections: Mapping[str, type[Section]]
    common: type[Section]
    guess: Callable[[Table], str | None]
    stand_in: Mapping[str, str]


def _camera_guess(table: Table) -> str | None:
    source = table.get("source")
    if not isinstance(source, str):
        return None
    if "://" in source:
        return "http" if source.startswith("h") else "rtsp"
    return "v4l2" if source.startswith("/dev/") else "replay"


def _by_fields(fields: Mapping[str, str]) -> Callable[[Table], str | None]:
    """Return a guess: the kind of the first of `fields` that a table has."""
    return lambda table: next((kind for field, kind in fields.items() if field in table), None)


LISTS = (
    TableList(
        "cameras", "camera", CAMERA_SECTIONS, CaptureSection, _camera_guess, {"kind": "demo"}
    ),
    TableList(
        "triggers",
        "trigger",
        TRIGGER_SECTIONS,
        TriggerSection,
        _by_fields({"pin": "button", "topic": "mqtt", "host": "mqtt"}),
        {"kind": "http"},
    ),
    TableList(
        "sinks",
        "sink",
        SINK_SECTIONS,
        SinkSection,
        _by_fields({"url": "webhook", "host": "mqtt"}),
        {"kind": "webhook", "url": "https://localhost", "secret": "-"},
    ),
)


def with_kinds(data: Table) -> tuple[Table, list[str]]:
    """Put the kind that was meant into each table of a list that has none or a wrong one.

    Returns: the data, in which the tables' other faults can be found, and the kinds' own faults.
    """
    lines: list[str] = []
    for spec in LISTS:
        tables = data.get(spec.field)
        if isinstance(tables, list):
            checked = [
                _with_kind(spec, table, f"{spec.field}.{number}", lines)
                for number, table in enumerate(tables)
            ]
            data = {**data, spec.field: checked}
    return data, lines


def faults_between(data: Table) -> list[str]:
    """Return what is wrong between tables: names that are alike, cameras that are not there."""
    lines: list[str] = []
    for spec in LISTS:
        taken: dict[str, str] = {}
        for number, table in _tables(data, spec):
            name = _name(spec, table)
            if name is None:
                continue
            word = slug(name)
            if word in taken:
                lines.append(
                    f"{spec.field}.{number}.name: {name!r} is not told from another {spec.noun}'s "
                    f"{taken[word]!r}, expected a name of its own"
                )
            taken.setdefault(word, name)
    cameras = [
        name for _, table in _tables(data, LISTS[0]) if (name := _name(LISTS[0], table)) is not None
    ]
    for number, table in _tables(data, LISTS[1]):
        wanted = table.get("camera")
        if isinstance(wanted, str) and wanted not in cameras:
            lines.append(
                f"triggers.{number}.camera: there is no camera {wanted!r}, "
                f"{suggestion(wanted, cameras)}"
            )
    by_http = [number for number, table in _tables(data, LISTS[1]) if table.get("kind") == "http"]
    lines += [
        f'triggers.{number}.kind: there is one POST /api/press, expected one trigger of kind "http"'
        for number in by_http[1:]
    ]
    return lines


def _with_kind(spec: TableList, table: object, where: str, lines: list[str]) -> object:
    if not isinstance(table, dict):
        return table
    kind = table.get("kind")
    if isinstance(kind, str) and kind in spec.sections:
        return table
    if "kind" not in table:
        lines.append(f"{where}.kind: missing, expected one of {', '.join(spec.sections)}")
    else:
        shown = public_text(str(kind))
        lines.append(
            f"{where}.kind: unknown kind {shown!r}, {suggestion(str(kind), spec.sections)}"
        )
    near = difflib.get_close_matches(str(kind), spec.sections, n=1)
    meant = near[0] if near else spec.guess(table)
    if meant is not None:
        return {**table, "kind": meant}
    # no idea: check what every kind has, and the names that none has
    ours = set(spec.common.model_fields)
    theirs = {name for section in spec.sections.values() for name in section.model_fields}
    kept = {name: value for name, value in table.items() if name not in theirs - ours}
    return {**kept, **spec.stand_in}


def _tables(data: Table, spec: TableList) -> list[tuple[int, Table]]:
    tables = data.get(spec.field)
    if not isinstance(tables, list):
        return []
    return [(number, table) for number, table in enumerate(tables) if isinstance(table, dict)]


def _name(spec: TableList, table: Table) -> str | None:
    section = spec.sections.get(str(table.get("kind")), spec.common)
    name = table.get("name", section.model_fields["name"].default)
    return name if isinstance(name, str) else None
