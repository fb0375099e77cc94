"""What evaluate, benchmark, select and compare share on the command line."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecls.bundle.open import Bundle
    from edgecls.measure.scores import Report

LINE_EVERY_S = 10.0
BUNDLE_HELP = "Folder, .edgecls file or the name of a shipped bundle; doorbell-person if left out."


def bundle_and_data(first: Path | None, second: Path | None) -> tuple[Bundle, Path]:
    """Open the bundle and return where the images are; with one argument it is the images.

    Raises:  ConfigError when there is none, or the one argument is a bundle.
    """
    if first is None:
        raise ConfigError(
            "no images given, expected [BUNDLE] DATA", hint="--help tells what DATA is"
        )
    from edgecls.bundle.open import open_bundle

    if second is not None:
        return open_bundle(first), second
    from edgecls.bundle.manifest import MANIFEST_NAME
    from edgecls.bundle.write import SUFFIX

    if first.suffix == SUFFIX or (first / MANIFEST_NAME).is_file():
        raise ConfigError(
            f"{first} is a bundle, expected images with labels beside it",
            hint=f"name the images after it: {first} DATA",
        )
    return open_bundle(None), first


def check_places(*paths: Path | None) -> None:
    """Check where reports are to be written, before the minutes that measuring takes.

    Raises:  ConfigError naming the first place where none can be.
    """
    for path in paths:
        if path is None:
            continue
        folder = path.absolute().parent
        if not folder.is_dir():
            raise ConfigError(
                f"cannot write {path}: {folder} is not a folder", hint=f"mkdir -p {path.parent}"
            )
        if path.is_dir() or not os.access(folder, os.W_OK):
            raise ConfigError(
                f"cannot write {path}: it is a folder, or its folder may not be changed",
                hint="choose another place",
            )


def write(path: Path, content: bytes | str) -> None:
    """Write a report.

    Raises:  ConfigError when it cannot be written.
    """
    from edgecls._lib.files import write_atomic

    try:
        write_atomic(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}", hint="choose another place"
        ) from error


def words(values: Sequence[str] | None) -> list[str] | None:
    """Split an option that may be repeated and may hold commas; None when it was not given."""
    if not values:
        return None
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


@contextlib.contextmanager
def progress() -> Iterator[Report]:
    """Show on standard error how far it is: a bar on a terminal, a line now and then elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _liner()
        return
    title = TextColumn("{task.description}")
    columns = (title, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    period_s = 600.0  # a benchmark's steps take longer than rich looks back by itself
    with Progress(*columns, console=console, transient=True, speed_estimate_period=period_s) as bar:
        task = bar.add_task("load", total=None)

        def moved(title: str, done: int, total: int) -> None:
            bar.update(task, description=title, completed=done, total=total)

        yield moved


def _liner() -> Report:
    told_s = time.monotonic()

    def moved(title: str, done: int, total: int) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= LINE_EVERY_S:
            told_s = time.monotonic()
            sys.stderr.write(f"{title}: {done} of {total}\n")

    return moved


def table(*titles: str) -> Table:
    """Return an empty table: names to the left, figures to the right."""
    rows = Table(box=None, pad_edge=False, header_style="bold")
    for index, title in enumerate(titles):
        left = not index or title == "variant"
        justify: Literal["left", "right"] = "left" if left else "right"
        rows.add_column(Text(title), justify=justify, overflow="fold")
    return rows
