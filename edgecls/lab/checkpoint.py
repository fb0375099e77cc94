"""Keep the whole state of a phase, so that a killed run goes on as if it had not been."""

from __future__ import annotations

import errno
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edgecls._lib.files import write_atomic
from edgecls.errors import EdgeclsError

VERSION = 1


class TrainingError(EdgeclsError, RuntimeError):
    """Report a training run that stopped before its end."""


@dataclass
class Progress:
    """How far a run has come, besides weights and optimizer.

    Args:    phase: index of the current phase.   epoch: epochs of it that are done.
             waited: epochs since the best one.   plateau: (best loss, waited, drops).
             history: one record per finished epoch, over all phases.
             done: the phase has ended, early or not.
    """

    phase: int = 0
    epoch: int = 0
    best_loss: float = float("inf")
    best_epoch: int = 0
    waited: int = 0
    plateau: tuple[float, int, int] = (float("inf"), 0, 0)
    done: bool = False
    seconds: float = 0.0
    unreadable: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, float | int | str]] = field(default_factory=list)


def save(
    file: Path,
    progress: Progress,
    model: Sequence[keras.Variable],
    optimizer: Sequence[keras.Variable],
    *,
    best: Sequence[np.ndarray[Any, Any]],
) -> None:
    """Replace the checkpoint: all of it, or nothing if the disk is full or the power fails.

    Args:    model, optimizer: all that training changes.
             best: the weights to hand on so far (averaged ones where the phase has EMA).
    Raises:  TrainingError when the file cannot be written; the former checkpoint stays.
    """
    parts = {"model": _values(model), "optimizer": _values(optimizer), "best": best}
    arrays: dict[str, Any] = {  # Any: else savez's own keywords want their types
        f"{part}/{index:05d}": value
        for part, values in parts.items()
        for index, value in enumerate(values)
    }
    meta = json.dumps({"version": VERSION, **asdict(progress)})
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.array(meta), **arrays)
    write(file, buffer.getvalue())


def write(file: Path, data: bytes, *, writer: Callable[[Path, bytes], None] = write_atomic) -> None:
    """Write a file of a run. Raises: TrainingError with the reason in plain words."""
    try:
        writer(file, data)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "the disk is full" if full else str(error)
        raise TrainingError(
            f"cannot write {file} ({len(data) / 1e6:.1f} MB): {what}",
            hint=f"the last checkpoint stands: make room, then edgecls train --resume "
            f"--out {file.parent}",
        ) from error


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint read back; arrays in the order of the variables."""

    progress: Progress
    model: list[np.ndarray[Any, Any]]
    optimizer: list[np.ndarray[Any, Any]]
    best: list[np.ndarray[Any, Any]]


def load(file: Path) -> Checkpoint | None:
    """Read a checkpoint, None when there is none yet.

    Raises:  TrainingError for a file that is damaged or of another version.
    """
    if not file.exists():
        return None
    try:
        with np.load(file) as content:
            meta = json.loads(str(content["meta"]))
            version = meta.pop("version")
            parts = {
                part: [content[name] for name in sorted(content.files) if name.startswith(part)]
                for part in ("model/", "optimizer/", "best/")
            }
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"the checkpoint {file} cannot be read: {error}",
            hint="start again without --resume, into another folder",
        ) from error
    if version != VERSION:
        raise TrainingError(f"the checkpoint {file} is of version {version}, expected {VERSION}")
    meta["plateau"] = tuple(meta["plateau"])
    return Checkpoint(Progress(**meta), parts["model/"], parts["optimizer/"], parts["best/"])


def restore(values: Sequence[np.ndarray[Any, Any]], variables: Sequence[keras.Variable]) -> None:
    """Put saved values back. Raises: TrainingError when they are another network's."""
    shapes = [tuple(v.shape) for v in variables]
    if [tuple(v.shape) for v in values] != shapes:
        raise TrainingError(
            "the checkpoint belongs to another network than the run's recipe builds",
            hint="start again without --resume, into another folder",
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _values(variables: Sequence[keras.Variable]) -> list[np.ndarray[Any, Any]]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]
