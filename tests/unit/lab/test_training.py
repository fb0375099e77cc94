"""Whole runs of the tiniest network: what they leave behind, and how they fail."""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.errors import ConfigError  # noqa: E402
from edgecls.lab import checkpoint, recipe_file, training  # noqa: E402
from edgecls.lab.checkpoint import TrainingError  # noqa: E402
from edgecls.lab.data import DataError  # noqa: E402
from edgecls.lab.dataset import dataset_from  # noqa: E402
from edgecls.lab.leave_out import names_of, train_leaving_out  # noqa: E402
from edgecls.lab.recipe import Recipe  # noqa: E402
from edgecls.lab.training import train  # noqa: E402

# keras.saving asks numpy 2 for arrays in a way that h5py's own objects do not know yet
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.epochs: list[Mapping[str, float | int | str]] = []

    def phase_started(self, name: str, *, epochs: int, steps: int, epoch: int) -> None: ...

    def features_done(self, batches: int, total: int) -> None: ...

    def step_done(self, step: int, loss: float) -> None: ...

    def epoch_done(self, record: Mapping[str, float | int | str]) -> None:
        self.epochs.append(record)


@pytest.fixture(autouse=True)
def _own_network(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.syspath_prepend(str(repository / "tests" / "unit" / "lab"))


def _recipe(root: Path, *phases: dict[str, Any], **more: Any) -> Recipe:
    content = {
        "name": "tiny",
        "data": {"root": str(root)},
        "input": {"size_px": 16, "normalise": "unit"},
        "architecture": {"name": "tiny_network:tiny"},
        "training": {"batch": 8, "workers": 1},
        "phases": list(phases),
    }
    return recipe_file.from_mapping({**content, **more}, origin="tiny")


FIRST = {"name": "first", "epochs": 6, "rate": 0.05, "ema": 0.5, "warmup_epochs": 1}
HEAD = {"name": "head", "epochs": 2, "train": "head", "cached_views": 2, "rate": 0.02}
INT8 = {"name": "int8", "epochs": 1, "fake_quant": True, "rate": 0.001, "schedule": "plateau"}


@pytest.fixture
def images(make_folder) -> Path:  # type: ignore[no-untyped-def]
    return Path(make_folder(splits=("train", "val", "test"), count=16))


def test_a_run_learns_and_leaves_all_it_takes_to_repeat_it(images: Path, tmp_path: Path) -> None:
    watcher = Silent()
    trained = train(_recipe(images, FIRST, HEAD, INT8), tmp_path / "run", watcher=watcher)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    test = report["results"]["test"]["accuracy"]
    assert test["value"] > 0.9
    assert test["n"] == 32
    assert test["ci95"][0] < test["value"]
    assert report["parameters"] == trained.model.count_params() == 122
    assert [record["phase"] for record in watcher.epochs] == ["first"] * 6 + ["head"] * 2 + ["int8"]
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {
        "recipe.json", "data.csv", "environment.json", "log.csv", "curves.png", "confusion.png",
        "best.weights.h5", "model.keras", "report.json", "input.json", "checkpoint.npz",
    } <= names  # fmt: skip
    assert not any("features" in name for name in names)
    with (tmp_path / "run" / "log.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 9

    again = train(recipe_file.load(tmp_path / "run"), tmp_path / "again", watcher=Silent())
    for one, other in zip(trained.model.get_weights(), again.model.get_weights(), strict=True):
        assert np.array_equal(one, other)
    saved = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert np.array_equal(saved.get_weights()[0], again.model.get_weights()[0])


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_weights(
    images: Path, tmp_path: Path
) -> None:
    good = {**FIRST, "epochs": 2}
    wild = {"name": "wild", "epochs": 3, "rate": 10.0, "optimizer": "sgd", "momentum": 0.0,
            "clip_norm": 0, "weight_decay": 1.0, "steps": 100, "schedule": "constant"}  # fmt: skip
    calm = train(_recipe(images, good), tmp_path / "calm", watcher=Silent())
    recipe = _recipe(images, good, wild)
    with pytest.raises(TrainingError, match="the loss is not a number any more in phase 'wild'"):
        train(recipe, tmp_path / "wild", watcher=Silent())
    kept = keras.saving.load_model(tmp_path / "wild" / "model.keras")
    for one, other in zip(kept.get_weights(), calm.model.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_too_many_unreadable_images_end_the_run_in_our_words(images: Path, tmp_path: Path) -> None:
    for number in range(3):
        (images / "train" / "dark" / f"{number:02d}.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="2 of 96 images are unreadable, at most 1 may be"):
        train(
            _recipe(images, FIRST, data={"root": str(images), "unreadable_max": 0.015}),
            tmp_path / "run", watcher=Silent(),
        )  # fmt: skip


def test_one_unreadable_image_is_skipped_and_named_in_the_report(
    images: Path, tmp_path: Path
) -> None:
    (images / "train" / "dark" / "00.png").write_bytes(b"no picture")
    data = {"root": str(images), "unreadable_max": 0.02}
    train(
        _recipe(images, {**FIRST, "epochs": 1, "warmup_epochs": 0}, data=data),
        tmp_path / "run",
        watcher=Silent(),
    )
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert list(report["unreadable"]) == ["train/dark/00.png"]


def test_a_start_is_pruned_once_and_not_when_the_run_goes_on(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned: list[tuple[int, ...]] = []

    def note(network: Any, choice: Any, seen: np.ndarray, rule: Any) -> None:
        pruned.append(seen.shape)

    monkeypatch.setattr(training, "check_prunable", lambda recipe: None)
    monkeypatch.setattr(training, "prune_into", note)
    choice = {"name": "tiny_network:tiny", "prune_images": 5}
    recipe = _recipe(images, {**FIRST, "epochs": 1, "warmup_epochs": 0}, architecture=choice)
    train(recipe, tmp_path / "run", watcher=Silent())
    train(recipe, tmp_path / "run", watcher=Silent(), resume=True)
    size = recipe.input.size_px
    assert pruned == [(5, size, size, 3)]


def test_a_folder_in_use_and_another_recipe_are_refused(images: Path, tmp_path: Path) -> None:
    quick = {**FIRST, "epochs": 1, "warmup_epochs": 0}
    run = tmp_path / "run"
    train(_recipe(images, quick), run, watcher=Silent())
    with pytest.raises(ConfigError, match="is not empty"):
        train(_recipe(images, quick), run, watcher=Silent())
    with pytest.raises(ConfigError, match="has another recipe than the one given"):
        train(_recipe(images, {**quick, "rate": 0.5}), run, watcher=Silent(), resume=True)
    older = json.loads((run / "recipe.json").read_text())
    del older["data"]["leave_out"]  # as written before the field was there
    (run / "recipe.json").write_text(json.dumps(older))
    train(_recipe(images, quick), run, watcher=Silent(), resume=True)
    with pytest.raises(ConfigError, match="holds no run to resume"):
        train(_recipe(images, quick), tmp_path / "none", watcher=Silent(), resume=True)
    picture = images / "train" / "dark" / "00.png"
    cv2.imwrite(str(picture), cv2.imread(str(picture)) // 2)
    with pytest.raises(TrainingError, match="the data set has changed since the run"):
        train(_recipe(images, quick), run, watcher=Silent(), resume=True)


def test_early_stopping_ends_a_phase_and_the_best_epoch_is_kept(
    images: Path, tmp_path: Path
) -> None:
    still = {"name": "still", "epochs": 50, "rate": 1e-9, "stop_after_epochs": 2}
    watcher = Silent()
    train(_recipe(images, still), tmp_path / "run", watcher=watcher)
    assert len(watcher.epochs) == 3  # the first is the best, two more bring nothing


def test_a_full_disk_is_told_and_the_last_checkpoint_stands(tmp_path: Path) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(TrainingError, match=r"cannot write .*checkpoint\.npz .*: the disk is full"):
        checkpoint.write(tmp_path / "checkpoint.npz", b"123", writer=full)


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.npz").write_bytes(b"half a file")
    with pytest.raises(TrainingError, match="cannot be read"):
        checkpoint.load(tmp_path / "checkpoint.npz")


def test_leaving_a_source_out_trains_without_it_and_tests_on_it(
    make_folder,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    root = make_folder(count=70, size_px=16)
    lines = ["file,label,split,group,camera"]
    for label in ("dark", "light"):
        for number in range(70):
            split = "val" if number % 5 == 0 else "test" if number % 5 == 1 else "train"
            camera = "north" if number < 35 else "south"
            lines.append(f"{label}/{number:02d}.png,{label},{split},,{camera}")
    (root / "list.csv").write_text("\n".join(lines))
    data = {"root": str(root), "manifests": ["list.csv"]}
    quick = {**FIRST, "epochs": 3}
    recipe = _recipe(root, quick, data=data)
    summary = train_leaving_out(recipe, tmp_path / "out", column="camera", watcher=Silent())
    assert set(summary["values"]) == {"north", "south"}
    assert all(found["n"] == 70 for found in summary["values"].values())
    assert summary["worst"] in summary["values"]
    trained_on = (tmp_path / "out" / "north" / "data.csv").read_text().splitlines()[1:]
    tests = {line.split(",")[0] for line in trained_on if ",test," in line}
    assert tests == {f"{label}/{n:02d}.png" for label in ("dark", "light") for n in range(35)}
    again = recipe_file.load(tmp_path / "out" / "north" / "recipe.json")
    assert again.data.leave_out == {"camera": "north"}
    photos = dataset_from(again.data)
    listed = [line.split(",")[:3] for line in trained_on]
    assert [[row.file, row.label, row.split] for row in photos.rows] == listed
    misspelt = again.data.model_copy(update={"leave_out": {"camera": "nort"}})
    with pytest.raises(DataError, match="no image has camera = 'nort', did you mean 'north'"):
        dataset_from(misspelt)
    summary = train_leaving_out(again, tmp_path / "more", column="camera", watcher=Silent())
    assert all(found["n"] == 70 for found in summary["values"].values())
    with pytest.raises(ConfigError, match="'lens', expected one of group, camera"):
        dataset_from(again.data.model_copy(update={"leave_out": {"lens": "wide"}}))
    with pytest.raises(ConfigError, match="the data has no such column"):
        train_leaving_out(recipe, tmp_path / "x", column="colour", watcher=Silent())


def test_two_values_that_are_left_out_never_share_a_folder() -> None:
    values = ["a b", "a/b", "A-B", "\u5317", "\u5357", "?", "!", "plain_1.x"]
    names = names_of(values)
    assert len(set(names.values())) == len(values)
    assert names["a b"] == "a-b"
    assert names["\u5357"] == "\u5357"
    assert names["plain_1.x"] == "plain_1.x"


def test_a_plateau_warms_up_and_a_resumed_run_remembers_unreadable_images(
    images: Path, tmp_path: Path
) -> None:
    (images / "train" / "dark" / "00.png").write_bytes(b"no picture")
    phase = {"name": "warm", "epochs": 3, "rate": 0.05, "warmup_epochs": 1.5,
             "schedule": "plateau", "plateau_epochs": 1}  # fmt: skip
    recipe = _recipe(images, phase, data={"root": str(images), "unreadable_max": 0.02})
    watcher = Silent()
    train(recipe, tmp_path / "run", watcher=watcher)
    rates = [float(record["rate"]) for record in watcher.epochs]
    assert 0.02 < rates[0] < 0.045  # still on its way
    assert rates[1] == pytest.approx(0.05)
    for row in ("report.json", "model.keras"):
        (tmp_path / "run" / row).unlink()
    train(recipe, tmp_path / "run", watcher=watcher, resume=True)  # nothing is left to train
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert list(report["unreadable"]) == ["train/dark/00.png"]
