"""The one place that prints a result: text for people, one JSON object for programs."""

from __future__ import annotations

import json
import sys
from typing import Any, Protocol

import typer
from rich.console import Console, RenderableType

SCHEMA = 1


class Result(Protocol):
    """What a verb's handler returns."""

    @property
    def exit_code(self) -> int:
        """0 when all went well, else the documented code."""
        ...

    def as_json(self) -> dict[str, Any]:
        """Return the object for `--json`, without "schema", which is added here."""
        ...

    def as_text(self) -> RenderableType:
        """Return what a person reads on standard output."""
        ...


def emit(result: Result, *, as_json: bool) -> None:
    """Print `result` and end the verb with its exit code.

    Raises:  typer.Exit, always for a code other than 0.
    """
    if as_json:
        sys.stdout.write(json.dumps({"schema": SCHEMA, **result.as_json()}, indent=2) + "\n")
    else:
        Console(highlight=False, soft_wrap=True).print(result.as_text())
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def complain(message: str, hint: str | None) -> None:
    """Print an error and its hint on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("error:", style="bold red", end=" ")
    console.print(message, markup=False)
    if hint:
        console.print(f"hint:  {hint}", markup=False, style="dim")
