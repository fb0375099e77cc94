"""Say what is wrong with a file that a person wrote: one line per fault, with a did-you-mean."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from edgecls._lib.urls import public_text

Models = Sequence[type[BaseModel]]
SECRET = re.compile("password|secret|token")
"""What may stand in a field of such a name is never shown."""


def message_from_validation(error: ValidationError, model: type[BaseModel], *, origin: str) -> str:
    """Return every fault of `error` in one message.

    Args:    model: the class that was validated.   origin: the file's name, first in the message.
    """
    return message_from_lines(list(lines_from_validation(error, model)), origin=origin)


def message_from_lines(lines: Sequence[str], *, origin: str) -> str:
    """Return one message of faults that are told already."""
    noun = "error" if len(lines) == 1 else "errors"
    return "\n  ".join([f"{origin}: {len(lines)} {noun}", *lines])


def lines_from_validation(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Say each fault on a line of its own: the field's path, what is wrong, what was received."""
    faults = error.errors(include_url=False)
    for item in faults:
        if item["type"] == "too_short" and _has_inner(item["loc"], faults):
            continue  # the list is short only because its faulty items were taken out
        where, siblings = _resolved([model], item["loc"])
        path = ".".join(where) or "the file"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = f"unknown field, {suggestion(where[-1], siblings)}"
        elif item["type"] == "missing":
            message = "missing"
        elif not isinstance(item["input"], dict) and not SECRET.search(path):
            if item["type"] == "string_pattern_mismatch":
                message = _expected_start(item["ctx"]["pattern"]) or message
            message += _received(item["input"])
        yield f"{path}: {message}"


def _received(value: object) -> str:
    """Show what was received; what may be an address loses its user, password and query."""
    shown = public_text(value) if isinstance(value, str) else value
    text = repr(shown)
    if not isinstance(value, str) and public_text(text) != text:
        return ""  # a list with an address somewhere in it
    return f", received {text}"


def _expected_start(pattern: str) -> str | None:
    """Say in words a pattern that asks for nothing but how the text begins, as `^rtsps?://`."""
    found = re.fullmatch(r"\^([a-z/]*?)(?:([a-z])\?)?([:/]*)", pattern)
    if found is None:
        return None
    start, optional, end = found.groups()
    starts = [start + end] if optional is None else [start + end, start + optional + end]
    return f"expected {' or '.join(f'{word}...' for word in starts)}"


def _has_inner(loc: tuple[int | str, ...], faults: Sequence[ErrorDetails]) -> bool:
    return any(len(f["loc"]) > len(loc) and f["loc"][: len(loc)] == loc for f in faults)


def suggestion(word: str, known: Collection[str]) -> str:
    """Suggest the known word nearest to `word`, or name them all."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"


def _resolved(models: Models, loc: tuple[int | str, ...]) -> tuple[list[str], list[str]]:
    """Follow a fault's place into the model.

    Returns: the path as it stands in the file (the tag of a union is no part of it), and the fields
             of the section it points into.
    """
    path: list[str] = []
    siblings = _fields(models)
    for part in loc:
        tagged = [m for m in models if _tag(m) == part]
        if tagged and part not in _fields(models):
            models = tagged
            continue
        path.append(str(part))
        siblings = _fields(models)
        if isinstance(part, str):
            models = [
                found
                for model in models
                if part in model.model_fields
                for found in _models_in(model.model_fields[part].annotation)
            ]
    return path, siblings


def _fields(models: Models) -> list[str]:
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _tag(model: type[BaseModel]) -> object:
    """Return the one word that a `kind: Literal[...]` field of a union's member allows."""
    kind = model.model_fields.get("kind")
    words = get_args(kind.annotation) if kind and get_origin(kind.annotation) is Literal else ()
    return words[0] if len(words) == 1 else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # Any: a type expression
    """Return the pydantic classes in a field's type, inside unions, lists and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, Annotated, list, tuple):
        return [found for part in get_args(annotation) for found in _models_in(part)]
    return []
