"""`edgecls data check`: what would fool a measurement is found, named, and fails the gate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import pytest

from edgecls.cli.main import run
from edgecls.lab.check import check, rows_at

LEAK, FINE, FAILED = 1, 0, 4


@pytest.fixture
def root(make_folder) -> Path:  # type: ignore[no-untyped-def]
    return Path(make_folder(splits=("train", "test"), count=5, size_px=64))


def test_a_clean_data_set_passes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", str(root)]) == FINE
    said = capsys.readouterr().out
    assert "leaks between splits: none" in said
    assert "dark       5     5   10  50.0 %" in said


def test_the_same_photograph_in_two_splits_is_a_leak(root: Path, tmp_path: Path) -> None:
    picture = cv2.imread(str(root / "train" / "dark" / "00.png"))
    cv2.imwrite(str(root / "test" / "light" / "copy.jpg"), cv2.resize(picture, (48, 40)))
    sheets = tmp_path / "sheets"
    assert run(["data", "check", str(root), "--out", str(sheets)]) == LEAK
    found = check(rows_at(root))
    assert [(p.first.file, p.second.file) for p in found.leaks] in (
        [("test/light/copy.jpg", "train/dark/00.png")],
        [("train/dark/00.png", "test/light/copy.jpg")],
    )
    assert len(found.conflicts) == 1
    written = sorted(path.name for path in sheets.iterdir())
    assert written == ["class-dark.jpg", "class-light.jpg", "conflicts.jpg", "leaks.jpg"]
    assert all(cv2.imread(str(sheets / name)) is not None for name in written)


def test_a_copy_inside_a_split_is_told_but_is_no_leak(root: Path) -> None:
    shutil.copy(root / "train" / "dark" / "00.png", root / "train" / "dark" / "again.png")
    found = check(rows_at(root))
    assert (len(found.pairs), len(found.leaks), len(found.conflicts)) == (1, 0, 0)
    assert run(["data", "check", str(root)]) == FINE


def test_unreadable_and_missing_files_are_named(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "train" / "dark" / "01.png").write_bytes(b"no picture")
    rows = rows_at(root)
    (root / "test" / "light" / "02.png").unlink()
    found = check(rows)
    assert sorted(found.unreadable) == ["test/light/02.png", "train/dark/01.png"]
    assert "cannot be read" in found.unreadable["test/light/02.png"]
    assert run(["data", "check", str(root), "--json"]) == FINE
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == 1
    assert report["unreadable"]["count"] == 1


def test_groups_in_two_splits_and_one_sided_sources_are_found(root: Path) -> None:
    lines = ["file,label,split,group,source_repo"]
    for number, row in enumerate(rows_at(root)):
        source = "cctv" if row.label == "dark" else f"web{number % 2}"
        lines.append(f"{row.file},{row.label},{row.split},g{number % 10},{source}")
    (root / "manifest.csv").write_text("\n".join(lines))
    found = check(rows_at(root))
    assert found.group_leaks == {f"g{i}": ["test", "train"] for i in range(10)}
    assert found.one_sided_sources()[0] == ("cctv", "dark", 10)
    assert run(["data", "check", str(root / "manifest.csv")]) == LEAK


def test_night_and_infra_red_are_counted(root: Path) -> None:
    dim = cv2.imread(str(root / "train" / "dark" / "00.png")) // 6
    grey = cv2.cvtColor(cv2.cvtColor(dim, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    cv2.imwrite(str(root / "train" / "dark" / "00.png"), grey)
    found = check(rows_at(root))
    assert found.night_share() == pytest.approx(1 / 20)
    assert found.grey_share() == pytest.approx(1 / 20)


def test_a_folder_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "check", str(tmp_path / "none")]) == FAILED
    assert "none does not exist" in capsys.readouterr().err


def test_a_column_of_groups_that_is_not_there_fails_rather_than_finding_no_leak(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["file,label,split,camera"]
    lines += [f"{row.file},{row.label},{row.split},north" for row in rows_at(root)]
    (root / "manifest.csv").write_text("\n".join(lines))
    assert run(["data", "check", str(root), "--group", "camera"]) == LEAK
    capsys.readouterr()
    assert run(["data", "check", str(root), "--group", "kamera"]) == 2
    said = capsys.readouterr().err
    assert "--group kamera: the data has no such column" in said
    assert "columns: camera" in said


def test_labels_in_other_scripts_and_in_brackets_keep_their_names_and_sheets(
    make_folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    labels = ("[red] rose", "red-rose", "Tür", "猫", "犬")
    root = make_folder("scripts", classes=labels, count=2)
    sheets = tmp_path / "sheets"
    assert run(["data", "check", str(root), "--out", str(sheets)]) == FINE
    said = capsys.readouterr().out
    assert all(label in said for label in labels)
    classes = [path.name for path in sheets.iterdir() if path.name.startswith("class-")]
    assert len(classes) == len(labels)
    assert "class-猫.jpg" in classes
