"""edgecls events and tune: from what people said of visits to labelled images and thresholds."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecls.bundle.images import encode_jpeg
from edgecls.cli.main import run
from edgecls.lab import recipe
from edgecls.lab.dataset import dataset_from
from edgecls.sections.store import StoreSection
from edgecls.store.store import Store
from edgecls.testing.door import NOON

Call = Callable[..., tuple[int, dict[str, Any]]]


def jpeg(number: int) -> bytes:
    return encode_jpeg(np.full((36, 64, 3), 20 + number % 200, np.uint8), 80)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a store with 60 visits over 5 days: persons, false alarms, 5 without a word."""
    folder = tmp_path / "door"
    with Store(StoreSection(folder=folder, free_bytes_min=0)) as opened:
        for number in range(60):
            at = NOON + timedelta(hours=2 * number)
            light = "night" if number % 12 >= 6 else "day"
            nobody = number % 5 == 0
            score = (0.71 if light == "day" else 0.8) + number % 7 / 100 if nobody else 0.97
            visit = opened.start_visit("door", at=at, score=score, jpeg=jpeg(number), light=light)
            opened.add_frame(visit.id, at=at, jpeg=jpeg(number + 1))
            opened.end_visit(visit.id, at=at, score=score, jpeg=None)
            if number < 55:
                opened.correct(visit.id, "nobody" if nobody else "person")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def answered(*words: str) -> tuple[int, dict[str, Any]]:
        code = run([*words, "--json"])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else {"err": err}

    return answered


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_visits_are_listed_with_the_false_alarms_per_day(
    store: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    code, given = call("events", "list", "--store", "door", "--limit", "3")
    assert (code, given["schema"]) == (0, 1)
    assert [visit["id"] for visit in given["visits"]] == [60, 59, 58]
    assert (given["total"], given["corrected"]) == (60, 55)
    assert given["false_per_day"]["count"] == 11
    assert given["false_per_day"]["watched_s"] == 59 * 7200
    assert run(["events", "list", "--store", "door", "--only", "corrected", "--limit", "2"]) == 0
    out = capsys.readouterr().out
    assert "55  door" in out
    assert "false alarms per camera-day: 11 in 4.9 days: 2.2 a day (1.1 to 4), if the 5" in out


def test_a_visit_that_is_kept_for_years_stretches_no_time(
    store: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(StoreSection(folder=store, free_bytes_min=0)) as opened:
        for camera, days in (("door", 365), ("garden", 300)):
            at = NOON - timedelta(days=days)
            visit = opened.start_visit(camera, at=at, score=0.9, jpeg=jpeg(1))
            opened.end_visit(visit.id, at=at, score=0.9, jpeg=None)
            opened.correct(visit.id, "nobody")
            opened.keep(visit.id, True)
        opened.keep(30, True)  # among the others: it counts as they do
    _, given = call("events", "list", "--store", "door")
    assert (given["total"], given["older"], given["corrected"]) == (62, 2, 55)
    assert (given["false_per_day"]["count"], given["false_per_day"]["watched_s"]) == (11, 59 * 7200)
    assert run(["events", "list", "--store", "door"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "60 visits, 55 corrected, not counting 2 that are kept beyond the others' time" in out
    _, given = call("events", "list", "--store", "door", "--camera", "garden")
    assert (given["total"], given["older"]) == (1, 1)


def test_corrected_visits_become_a_labelled_folder(store: Path, call: Call) -> None:
    code, given = call("events", "export", "out", "--store", "door")
    assert (code, given["visits"], given["images"], given["missing"]) == (0, 55, 110, 0)
    found = rows(Path("out"))
    assert list(found[0])[:6] == ["file", "label", "split", "group", "light", "camera"]
    assert {row["label"] for row in found} == {"person", "no_person"}
    assert all((Path("out") / row["file"]).read_bytes()[:2] == b"\xff\xd8" for row in found)
    groups: dict[str, set[str]] = {}
    for row in found:
        groups.setdefault(row["group"], set()).add(row["split"])
    assert len(groups) == 55
    assert all(len(splits) == 1 for splits in groups.values())
    for label in ("person", "no_person"):
        assert {row["split"] for row in found if row["label"] == label} == {"train", "val", "test"}


def test_an_export_again_is_the_same_and_a_group_stays_in_its_split(
    store: Path, call: Call
) -> None:
    call("events", "export", "out", "--store", "door")
    before = rows(Path("out"))
    call("events", "export", "out", "--store", "door")
    assert rows(Path("out")) == before
    with Store(StoreSection(folder=store, free_bytes_min=0)) as opened:
        opened.correct(60, "person")
    call("events", "export", "out", "--store", "door", "--snapshots-only")
    splits = {row["group"]: row["split"] for row in before}
    after = {row["group"]: row["split"] for row in rows(Path("out"))}
    assert len(after) == 56
    assert all(after[group] == split for group, split in splits.items())


def test_training_reads_the_export_as_it_is(store: Path, call: Call) -> None:
    call("events", "export", "out", "--store", "door")
    data = recipe.Data(root=Path("out"), manifests=("manifest.csv",), group="group")
    photos = dataset_from(data)
    assert len(photos) == 110
    assert photos.labels == ("no_person", "person")
    assert {row.split for row in photos.rows} == {"train", "val", "test"}
    assert photos.read(0).shape == (36, 64, 3)


def test_the_shipped_bundle_is_evaluated_on_an_export(tmp_path: Path, call: Call) -> None:
    """From the door to a figure: photographs of a person and of things, corrected, exported."""
    data = pytest.importorskip("skimage.data")
    with Store(StoreSection(folder=tmp_path / "door", free_bytes_min=0)) as opened:
        for number, name in enumerate(("astronaut", "coffee", "astronaut", "rocket")):
            pixels = np.ascontiguousarray(getattr(data, name)()[:, :: 1 - 2 * (number > 1)])
            visit = opened.start_visit(
                "door", at=NOON + timedelta(hours=number), score=0.9, jpeg=encode_jpeg(pixels, 90)
            )
            opened.correct(visit.id, "person" if name == "astronaut" else "nobody")
    out = str(tmp_path / "out")
    assert call("events", "export", out, "--store", str(tmp_path / "door"))[0] == 0
    code, given = call("evaluate", "doorbell-person", f"{out}/manifest.csv")
    assert code == 0
    (best, *_) = given["variants"]
    assert best["accuracy"]["n"] == 4
    assert best["accuracy"]["value"] == 1.0
    code, given = call("tune", f"{out}/manifest.csv", "--false-alarms-per-day", "1")
    assert code == 0
    assert given["choices"][0]["nobody"] == 2
    assert not given["proven"]


def test_thresholds_from_a_store(
    store: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    code, given = call("tune", "--store", "door", "--false-alarms-per-day", "0.5")
    assert code == 0
    day, night = given["choices"]
    assert (day["nobody"], night["nobody"]) == (6, 5)
    assert 0.71 < day["enter"] < 0.8 < night["enter"] < 0.9
    assert day["found"]["value"] == night["found"]["value"] == 1.0
    assert given["moves_per_day"] == pytest.approx(11 / (59 / 12), abs=1e-3)
    assert any("5 of 60 visits are not corrected" in note for note in given["notes"])
    assert run(["tune", "--store", "door"]) == 0
    out = capsys.readouterr().out
    lines = out[out.index("[visit]") :].splitlines()
    assert [line.partition(" =")[0] for line in lines] == [
        "[visit]", "enter", "leave", "night_enter", "night_leave",
    ]  # fmt: skip


def test_each_camera_watches_for_itself(
    tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two cameras over the same 2 days watched 4 camera-days, one that came later 1 more."""
    folder = tmp_path / "three"
    watched = {"door": (0, 48), "garden": (0, 48), "gate": (24, 48)}
    with Store(StoreSection(folder=folder, free_bytes_min=0)) as opened:
        for name, (first, last) in watched.items():
            for hour in range(first, last + 1, 8):
                at = NOON + timedelta(hours=hour)
                visit = opened.start_visit(name, at=at, score=0.8, jpeg=jpeg(hour))
                opened.correct(visit.id, "person" if hour % 24 == 0 else "nobody")
    code, given = call("tune", "--store", str(folder))
    assert code == 0
    assert given["moves_per_day"] == pytest.approx((4 + 4 + 2) / 5)
    assert given["expected"]["watched_s"] == pytest.approx(5 * 86_400)
    assert given["source"].startswith("18 corrected visits of 5.0 days of 3 cameras together, ")
    code, given = call("tune", "--store", str(folder), "--camera", "gate")
    assert given["moves_per_day"] == pytest.approx(2 / 1)
    assert run(["events", "list", "--store", str(folder)]) == 0
    assert "10 in 5.0 days: 2 a day (0.96 to 3.7), 3 cameras together" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["events", "export", "out", "--store", "door", "--labels", "a"], "expected two names"),
        (["events", "list", "--store", "door", "--day", "friday"], "expected a date"),
        (["events", "list", "--store", "door", "--only", "mine"], "expected one of kept"),
        (["tune"], "expected either labelled frames or --store"),
        (["tune", "--store", "door", "--false-alarms-per-day", "0"], "must be above 0"),
    ],
)
def test_what_cannot_be_done(store: Path, call: Call, words: list[str], told: str) -> None:
    code, given = call(*words)
    assert code == 2
    assert told in given["err"]


def test_a_store_without_corrections_says_what_to_do(
    tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(StoreSection(folder=tmp_path / "new", free_bytes_min=0)) as opened:
        opened.start_visit("door", at=NOON, score=0.9, jpeg=jpeg(1))
    assert run(["events", "list", "--store", str(tmp_path / "new")]) == 0
    assert "camera-day: not known yet, no visit has been answered" in capsys.readouterr().out
    _, given = call("events", "list", "--store", str(tmp_path / "new"))
    assert (given["unanswered"], given["false_per_day"]) == (1, None)
    with Store(StoreSection(folder=tmp_path / "new", free_bytes_min=0)) as opened:
        opened.start_visit("door", at=NOON + timedelta(hours=9), score=0.9, jpeg=jpeg(1))
    _, given = call("events", "list", "--store", str(tmp_path / "new"))
    assert (given["unanswered"], given["false_per_day"]) == (2, None)  # nobody measured 0 a day
    for words in (("events", "export", str(tmp_path / "out")), ("tune",)):
        code, given = call(*words, "--store", str(tmp_path / "new"))
        assert code == 2
        assert "on the page first" in given["err"]
