"""Show how far long work is: a bar on a terminal, a line per tenth elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

TENTHS = 10


@contextmanager
def told_progress(
    console: Console, *, quiet: bool = False
) -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Give a function that makes a teller for a named part of the work.

    Args:    quiet: tell nothing.
    """
    from edgecls.deploy.image import untold

    if quiet:
        yield lambda _: untold
    elif console.is_terminal:
        columns = (
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, transient=True) as progress:
            yield lambda name: _bar(progress, name)
    else:
        yield lambda name: _lines(console, name)


def _bar(progress: Progress, name: str) -> Callable[[int, int], None]:
    task = progress.add_task(name, total=None, visible=False)

    def told(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total, visible=True)

    return told


def _lines(console: Console, name: str) -> Callable[[int, int], None]:
    last = 0

    def told(done: int, total: int) -> None:
        nonlocal last
        tenth = TENTHS * done // total if total else TENTHS
        if tenth > last:
            last = tenth
            console.print(f"{name}: {100 // TENTHS * tenth} %")

    return told
