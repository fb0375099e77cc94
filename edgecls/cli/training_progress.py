"""Show how a training run goes: a bar on a terminal, a line per epoch elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Record = Mapping[str, float | int | str]


class ConsoleWatcher:
    """Print a line per epoch, and keep a bar for the current one where `progress` is given."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console, self._progress = console, progress
        self._task = progress.add_task("", total=None, visible=False) if progress else None
        self._epochs, self._steps, self._epoch, self._name = 0, 0, 0, ""

    def phase_started(self, name: str, *, epochs: int, steps: int, epoch: int) -> None:
        self._name, self._epochs, self._steps, self._epoch = name, epochs, steps, epoch
        went_on = f", going on after epoch {epoch}" if epoch else ""
        self._console.print(f"phase {name}: {epochs} epochs of {steps} steps{went_on}")
        self._show(0, f"epoch {epoch + 1}/{epochs}", steps)

    def features_done(self, batches: int, total: int) -> None:
        self._show(batches, "features", total)
        if batches == total:
            self._console.print(f"features of {total} batches computed")

    def step_done(self, step: int, loss: float) -> None:
        self._show(step, f"epoch {self._epoch + 1}/{self._epochs}  loss {loss:.4f}", self._steps)

    def epoch_done(self, record: Record) -> None:
        self._epoch = int(record["epoch"])
        figures = [
            f"{name.replace('val_', 'validation ')} {float(record[name]):.4f}"
            for name in ("loss", "accuracy", "val_loss", "val_accuracy")
            if name in record
        ]
        self._console.print(
            f"{self._name} {self._epoch}/{self._epochs}: {', '.join(figures)}"
            f" ({float(record['seconds']):.1f} s)"
        )

    def _show(self, done: int, text: str, total: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(
                self._task, completed=done, total=total, description=text, visible=True
            )


@contextmanager
def watcher_for(console: Console) -> Iterator[ConsoleWatcher]:
    """Watch on a console; the bar is cleared at the end."""
    if not console.is_terminal:
        yield ConsoleWatcher(console, None)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        yield ConsoleWatcher(console, progress)
