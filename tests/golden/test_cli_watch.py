"""edgecls watch: the daemon's own watch over clips, scored against notes, settings side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgecls.cli.main import run
from tests.tiny_bundles import tiny_bundle

HALL = np.full((90, 160, 3), (70, 70, 120), np.uint8)
RED = (255, 130, 60)  # brighter than the hall: the gate looks at grey


def clip(folder: Path, *parts: tuple[int, bool]) -> None:
    """Write a clip as a folder of images, four a second: seconds, and whether red is there."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    number = 0
    for seconds, somebody in parts:
        for _ in range(seconds * 4):
            pixels = HALL + random.integers(0, 4, HALL.shape, dtype=np.uint8)
            if somebody:
                pixels[20:, 30:130] = RED
            cv2.imwrite(str(folder / f"{number:04}.png"), pixels[:, :, ::-1])
            number += 1


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two clips, notes of one and a half of them, and a tiny bundle."""
    tiny_bundle(tmp_path / "tiny", decision={"label": "red", "threshold": 0.5})
    clip(tmp_path / "clips" / "comes", (4, False), (5, True), (8, False), (4, True), (5, False))
    clip(tmp_path / "clips" / "empty", (6, False))
    clip(tmp_path / "clips" / "unknown", (2, False))
    (tmp_path / "notes.csv").write_text(
        'file,person_intervals_s\nclips/comes,"[[4.0, 9.0]]"\nclips/empty,[]\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def watched(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = run(["watch", *words, "--bundle", "tiny", "--json"])
    out, _ = capsys.readouterr()
    return code, json.loads(out)


def test_visits_are_held_against_notes(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("clips/comes", "clips/empty", "clips/unknown", "--notes", "notes.csv")
    code, given = watched(capsys, *words)
    assert (code, given["schema"]) == (0, 1)
    (setting,) = given["settings"]
    comes, empty, unknown = setting["clips"]
    assert comes["score"]["found"] == 1
    assert comes["score"]["false"] == 1  # the second one is not in the notes
    assert 0 <= comes["score"]["delays_s"][0] <= 1.0
    assert (empty["visits"], unknown["score"]) == ([], None)
    rate = setting["all"]["false_per_day"]
    assert rate["count"] == 1
    assert rate["watched_s"] == pytest.approx(25.75 + 5.75 - 5.0)
    assert rate["ci95"][0] < rate["per_day"] < rate["ci95"][1]


def test_settings_side_by_side_in_words(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = '[camera]\nkind = "demo"\n'
    (clips / "eager.toml").write_text(base)
    (clips / "blind.toml").write_text(
        base + "zones = [[[0.0, 0.0], [0.1, 0.0], [0.1, 1.0], [0.0, 1.0]]]\n"
    )
    words = ["clips/comes", "--notes", "notes.csv", "-c", "eager.toml", "-c", "blind.toml"]
    assert run(["watch", *words, "--bundle", "tiny"]) == 0
    out, _ = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    eager, blind = (
        next(line for line in lines if line[:1] == [f"{name},"] and line[2].isdigit())
        for name in ("eager", "blind")
    )
    # name, bundle, known, found, missed, false, split
    assert eager[2:7] == ["1", "1", "0", "1", "0"]
    assert blind[2:7] == ["1", "0", "1", "0", "0"]
    assert "eager, tiny: false alarms per camera-day: 1 in 21 seconds" in out
    assert "blind, tiny: false alarms per camera-day: 0 in 21 seconds: at most" in out


def test_a_mask_hides_from_the_watch_what_it_covers(
    clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clips / "masked.toml").write_text(
        '[camera]\nkind = "demo"\nmasks = [[[0, 0], [1, 0], [1, 1], [0, 1]]]\n'
    )
    _, given = watched(capsys, "clips/comes", "-c", "masked.toml")
    assert given["settings"][0]["clips"][0]["visits"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["none.mp4"], "none.mp4: no such file or folder"),
        (["clips/comes", "--notes", "none.csv"], "cannot read none.csv"),
        (["clips/comes", "--camera", "gate"], "--camera names a camera of a file"),
    ],
)
def test_what_cannot_be_watched(
    clips: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert run(["watch", *words, "--bundle", "tiny"]) == 2
    assert told in capsys.readouterr().err
