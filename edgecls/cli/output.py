"""The one place that prints a result: text for people, one JSON object for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Protocol

import typer
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

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


def aligned(rows: Sequence[tuple[str, ...]], *, header: bool = True) -> list[Text]:
    """Set rows in columns that are never folded: a path must stay whole to be copied.

    Args:    header: print the first row in bold.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = 0  # nothing follows the last one
    lines = [
        Text(
            "  ".join(
                cell + " " * (w - cell_len(cell)) for cell, w in zip(row, widths, strict=True)
            )
        )
        for row in rows
    ]
    if header:
        lines[0].stylize("bold")
    return lines
