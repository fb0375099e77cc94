"""The folder of a run: all that it takes to make the same network again, and what came out."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import io
import json
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from edgecls import __version__
from edgecls.bundle.manifest import InputRule
from edgecls.errors import ConfigError
from edgecls.lab import recipe_file
from edgecls.lab.checkpoint import TrainingError, write
from edgecls.lab.dataset import Photos
from edgecls.lab.listing import columns_of
from edgecls.lab.recipe import Recipe

IMAGES = "images.csv"
CALIBRATION_IMAGES = 400
PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its files."""

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.json"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.npz"

    @property
    def model(self) -> Path:
        return self.path / "model.keras"

    @property
    def weights(self) -> Path:
        return self.path / "best.weights.h5"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def calibration(self) -> Path:
        return self.path / "calibration.toml"

    @property
    def report(self) -> Path:
        return self.path / "report.json"

    def begin(self, recipe: Recipe, *, resume: bool) -> None:
        """Make the folder, or check that what lies in it is this recipe's run.

        Raises:  ConfigError for a folder in use, or a run of another recipe.
        """
        text = json.dumps(recipe.model_dump(mode="json"), indent=2) + "\n"
        if not resume:
            if self._in_use():
                raise ConfigError(
                    f"{self.path} is not empty",
                    hint="go on with --resume, or choose another folder with --out",
                )
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise TrainingError(f"cannot make the folder {self.path}: {error}") from error
            write(self.recipe, text.encode())
            return
        if not self.recipe.exists():
            raise ConfigError(
                f"{self.path} holds no run to resume", hint="start it without --resume"
            )
        if recipe_file.load(self.recipe) != recipe:
            raise ConfigError(
                f"the run in {self.path} has another recipe than the one given",
                hint=f"edgecls train {self.path} --resume goes on with its own",
            )

    def _in_use(self) -> bool:
        """Tell whether there is more here than a run that failed before it trained anything."""
        if not self.path.exists():
            return False
        if not self.path.is_dir():
            raise ConfigError(
                f"{self.path} is a file, expected a folder for the run",
                hint="choose another name with --out",
            )
        if not self.recipe.exists():
            return any(self.path.iterdir())
        return self.checkpoint.exists() or self.report.exists()

    def describe_data(self, photos: Photos) -> str:
        """Write every image's name, label, split, group and hash; return the hash of that list.

        Raises:  TrainingError when a resumed run finds other data than it began with.
        """
        table = io.StringIO()
        out = csv.writer(table, lineterminator="\n")
        out.writerow(["file", "label", "split", "group", "sha256"])
        out.writerows((r.file, r.label, r.split, r.group, r.digest()) for r in photos.rows)
        text = table.getvalue()
        file = self.path / "data.csv"
        if self.checkpoint.exists() and file.exists() and file.read_text(encoding="utf-8") != text:
            raise TrainingError(
                f"the data set has changed since the run in {self.path} began",
                hint="start a new run without --resume",
            )
        write(file, text.encode())
        return hashlib.sha256(text.encode()).hexdigest()

    def describe_environment(self) -> dict[str, str]:
        """Write and return the versions that the numbers depend on."""
        found = {"edgecls": __version__, "python": platform.python_version()}
        found |= {name: version for name in PACKAGES if (version := _version(name))}
        found["backend"] = str(keras.backend.backend())
        found["machine"] = f"{platform.system()} {platform.machine()}"
        found["command"] = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
        write(self.path / "environment.json", (json.dumps(found, indent=2) + "\n").encode())
        return found

    def write_log(self, history: Sequence[Mapping[str, float | int | str]]) -> None:
        """Write log.csv: a line per finished epoch."""
        names = list(dict.fromkeys(name for record in history for name in record))
        table = io.StringIO()
        out = csv.DictWriter(table, names, restval="", lineterminator="\n")
        out.writeheader()
        out.writerows(history)
        write(self.path / "log.csv", table.getvalue().encode())

    def write_model(self, model: keras.Model) -> None:
        """Write model.keras and best.weights.h5, each whole or not at all."""
        for file, save in ((self.model, model.save), (self.weights, model.save_weights)):
            suffix = "".join(file.suffixes)
            part = file.with_name(f".{file.name.removesuffix(suffix)}.part{suffix}")
            try:
                save(part)
                part.replace(file)
            except OSError as error:
                part.unlink(missing_ok=True)
                raise TrainingError(f"cannot write {file}: {error}") from error

    def write_handover(self, name: str, photos: Photos, rule: InputRule) -> None:
        """Write what `edgecls quantize` and `edgecls evaluate` want: images.csv, calibration.toml.

        The calibration set takes training images only. Paths are absolute: the images stay where
        they are. Data without files (CIFAR-10 from Keras) leaves nothing here.
        """
        if not all(row.path.is_absolute() for row in photos.rows):
            return
        columns = columns_of(photos.rows)
        table = io.StringIO()
        out = csv.writer(table, lineterminator="\n")
        out.writerow(["file", "label", "split", *columns])
        for row in photos.rows:
            facts = [row.columns.get(column, "") for column in columns]
            out.writerow([row.path, row.label, row.split, *facts])
        write(self.path / IMAGES, table.getvalue().encode())
        count = min(CALIBRATION_IMAGES, len(photos.split("train")) // 2)
        write(self.calibration, _calibration_text(name, photos.labels, rule, count).encode())

    def write_report(self, report: Mapping[str, Any], rule: InputRule) -> None:
        """Write report.json and the input rule that a bundle needs."""
        write(self.path / "input.json", rule.model_dump_json(indent=2, exclude_none=True).encode())
        write(self.report, (json.dumps(report, indent=2) + "\n").encode())


def _calibration_text(name: str, labels: Sequence[str], rule: InputRule, count: int) -> str:
    """Return a calibration set as TOML; JSON's strings, numbers and lists are TOML's, too."""
    lines = [
        f"name = {json.dumps(name)}",
        f"labels = {json.dumps(list(labels), ensure_ascii=False)}",
        "",
        "[source]",
        f'data = "{IMAGES}"',
        'split = "train"',
        "",
        "[selection]",
        f"count = {max(2, count)}",
        "",
        "[input]",
    ]
    fields = rule.model_dump(mode="json", exclude_none=True)
    lines += [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    return "\n".join([*lines, "", "[output]", 'activation = "softmax"', ""])


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
