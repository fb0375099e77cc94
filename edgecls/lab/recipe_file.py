"""Read a recipe from TOML (by hand) or JSON (a run's own), with --set on top."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edgecls._lib import toml
from edgecls._lib.validation import message_from_validation
from edgecls.errors import ConfigError
from edgecls.lab.recipe import Recipe

HINT = "docs/training.md explains every field of a recipe"


def load(path: Path, *, settings: Sequence[str] = (), data: Path | None = None) -> Recipe:
    """Read and check a recipe.

    Args:    path: a .toml or .json file, or the folder of a run, whose own recipe is taken.
             settings: "key.key=value", the value as TOML; a phase goes by its name or number.
             data: replaces data.root.
    Raises:  ConfigError with every fault in one message, a line each.
    """
    file = path / "recipe.json" if path.is_dir() else path
    content = _parsed(file)
    for setting in settings:
        _set(content, setting)
    if data is not None:
        _set_value(content, ["data", "root"], str(data.absolute()), "--data")
    return _anchored(from_mapping(content, origin=str(file)), file.parent.absolute())


def from_mapping(content: dict[str, Any], *, origin: str) -> Recipe:
    """Check a recipe that is already parsed. Raises: ConfigError as `load`."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise ConfigError(
            message_from_validation(error, Recipe, origin=origin), hint=HINT
        ) from error


def _parsed(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read the recipe {file}: {error}", hint="give the path of a TOML file"
        ) from error
    try:
        content = json.loads(text) if file.suffix == ".json" else toml.loads(text)
    except ValueError as error:  # both parsers' errors are ValueErrors
        raise ConfigError(f"{file} is not {file.suffix.lstrip('.').upper()}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: expected an object, received {type(content).__name__}")
    return content


def _anchored(recipe: Recipe, base: Path) -> Recipe:
    """Make the paths a person wrote relative to the recipe absolute."""
    data, architecture, distillation = recipe.data, recipe.architecture, recipe.distillation
    if data.root is not None:
        data = data.model_copy(update={"root": base / data.root.expanduser()})
    if data.judge is not None:
        data = data.model_copy(update={"judge": base / data.judge.expanduser()})
    weights = architecture.weights
    if weights not in ("none", "imagenet"):
        weights = str(base / Path(weights).expanduser())
        architecture = architecture.model_copy(update={"weights": weights})
    if distillation is not None:
        teachers = tuple(str(base / Path(name).expanduser()) for name in distillation.teachers)
        distillation = distillation.model_copy(update={"teachers": teachers})
    return recipe.model_copy(
        update={"data": data, "architecture": architecture, "distillation": distillation}
    )


def _set(content: dict[str, Any], setting: str) -> None:
    """Apply one "key.key=value"."""
    key, equals, text = setting.partition("=")
    keys = [part.strip() for part in key.split(".")]
    if not equals or not all(keys):
        raise ConfigError(
            f"--set expects key.key=value, received {setting!r}",
            hint="for example: --set phases.tune.epochs=3",
        )
    try:
        value = toml.loads(f"value = {text}")["value"]
    except ValueError:
        value = text  # a bare word is a string
    _set_value(content, keys, value, f"--set {setting}")


def _set_value(content: dict[str, Any], keys: Sequence[str], value: object, origin: str) -> None:
    here: Any = content  # Any: tables and arrays of a parsed file
    for depth, key in enumerate(keys):
        place: Any = key  # Any: a table's key or an array's index
        if isinstance(here, list):
            place = _place(here, key, origin)
        elif not isinstance(here, dict):
            raise ConfigError(f"{origin}: {'.'.join(keys[:depth])} is not a table")
        if depth == len(keys) - 1:
            here[place] = value
        else:
            here = here[place] if isinstance(here, list) else here.setdefault(place, {})


def _place(items: list[Any], key: str, origin: str) -> int:
    """Return the index of the item that is called `key`, or has this number."""
    names = [item.get("name") for item in items if isinstance(item, dict)]
    if key in names:
        return names.index(key)
    if key.isdigit() and int(key) < len(items):
        return int(key)
    known = ", ".join(str(name) for name in names)
    raise ConfigError(f"{origin}: no item {key!r}, expected one of {known} or a number")
