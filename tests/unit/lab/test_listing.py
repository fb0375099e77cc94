"""Lists of images: both layouts, and one clear line for each thing that is wrong with them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from edgecls.errors import ConfigError
from edgecls.lab import recipe
from edgecls.lab.data import DataError
from edgecls.lab.dataset import dataset_from
from edgecls.lab.listing import rows_from_folder, rows_from_manifest


def test_a_folder_per_split_and_class(make_folder) -> None:  # type: ignore[no-untyped-def]
    root = make_folder(splits=("train", "validation", "test"), count=3)
    rows = rows_from_folder(root)
    assert Counter((r.split, r.label) for r in rows) == {
        (split, label): 3 for split in ("train", "val", "test") for label in ("dark", "light")
    }
    assert rows[0].file == "test/dark/00.png"


def test_an_empty_class_is_named(make_folder) -> None:  # type: ignore[no-untyped-def]
    root = make_folder()
    (root / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no image"):
        rows_from_folder(root)


def test_a_folder_without_classes_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no folder, expected one per class"):
        rows_from_folder(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        rows_from_folder(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,class\na.jpg,x\n", "column 'label' is missing, expected file, label, received file"),
        ("", "column 'file' is missing, expected file, label, received an empty file"),
        ("file,label\n", "names no image"),
        ("file,label\na.jpg,\n", "line 2: label is empty"),
        ("file,label,split\na.jpg,x,dev\n", "line 2: split 'dev', expected one of train, val"),
    ],
)
def test_a_faulty_manifest_is_told_by_column_or_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text)
    with pytest.raises(DataError) as caught:
        rows_from_manifest(file)
    assert said in caught.value.message


def _manifest(tmp_path: Path, *lines: str) -> recipe.Data:
    (tmp_path / "list.csv").write_text("\n".join(["file,label,split,group,place", *lines]) + "\n")
    return recipe.Data(root=tmp_path, manifests=("list.csv",))


def _pair(label: str) -> list[str]:
    return [
        f"{label}1.jpg,{label},train,,in",
        f"{label}2.jpg,{label},train,,in",
        f"{label}3.jpg,{label},val,,out",
    ]


def test_further_columns_are_kept_for_slices(tmp_path: Path) -> None:
    photos = dataset_from(_manifest(tmp_path, *_pair("a"), *_pair("b")))
    assert photos.labels == ("a", "b")
    assert [row.column("place") for row in photos.split("val").rows] == ["out", "out"]
    assert photos.split("train").targets.tolist() == [0, 0, 1, 1]


def test_a_group_in_two_splits_is_refused(tmp_path: Path) -> None:
    data = _manifest(
        tmp_path, *_pair("a"), *_pair("b"), "x.jpg,a,train,door7,in", "y.jpg,a,val,door7,in"
    )
    with pytest.raises(DataError, match="group 'door7' is in the splits train, val, expected one"):
        dataset_from(data)


def test_a_class_with_one_image_is_refused_by_name(tmp_path: Path) -> None:
    data = _manifest(tmp_path, *_pair("a"), *_pair("b"), "c.jpg,c,train,,in")
    with pytest.raises(DataError, match="class 'c' has 1 training images, expected at least 2"):
        dataset_from(data)


def test_unknown_labels_and_other_faults_come_together(tmp_path: Path) -> None:
    data = _manifest(
        tmp_path, *_pair("a"), *_pair("b"), "d.jpg,statue,train,,in",
        "x.jpg,a,train,door7,in", "y.jpg,a,val,door7,in",
    ).model_copy(update={"labels": ("a", "b")})  # fmt: skip
    with pytest.raises(DataError) as caught:
        dataset_from(data)
    assert "2 faults" in caught.value.message
    assert "label 'statue' (1 images, first d.jpg) is not among" in caught.value.message
    assert "group 'door7'" in caught.value.message


def test_labels_can_be_left_out_and_so_can_values_of_a_column(tmp_path: Path) -> None:
    data = _manifest(tmp_path, *_pair("a"), *_pair("b"), "d.jpg,statue,train,,in")
    photos = dataset_from(data.model_copy(update={"ignore_labels": ("statue",)}))
    assert len(photos) == 6
    chosen = data.model_copy(
        update={"ignore_labels": ("statue",), "without": {"place": ("out",)}, "val_share": 0.4}
    )
    more = _manifest(tmp_path, *_pair("a"), *_pair("b"), *_pair("a"), *_pair("b"))
    rows = dataset_from(chosen.model_copy(update={"manifests": more.manifests})).rows
    assert {row.column("place") for row in rows} == {"in"}
    assert sorted(row.split for row in rows if row.label == "a") == ["train"] * 2 + ["val"] * 2


def test_a_column_that_the_data_lacks_is_refused(tmp_path: Path) -> None:
    data = _manifest(tmp_path, *_pair("a"), *_pair("b"))
    with pytest.raises(ConfigError, match="names the column 'weather', expected one of label"):
        dataset_from(data.model_copy(update={"slices": ("weather",)}))


def test_no_data_at_all_asks_for_the_folder() -> None:
    with pytest.raises(ConfigError, match=r"data.root: missing") as caught:
        dataset_from(recipe.Data())
    assert caught.value.hint is not None
    assert "--data" in caught.value.hint


def test_a_class_may_be_called_train_and_splits_may_begin_with_a_capital(make_folder) -> None:  # type: ignore[no-untyped-def]
    vehicles = rows_from_folder(make_folder("vehicles", classes=("bus", "car", "train"), count=2))
    assert Counter((r.split, r.label) for r in vehicles) == {
        ("", label): 2 for label in ("bus", "car", "train")
    }
    capital = rows_from_folder(make_folder("capital", splits=("Train", "Val"), count=2))
    assert {(r.split, r.label) for r in capital} == {
        (split, label) for split in ("train", "val") for label in ("dark", "light")
    }


def test_hidden_files_are_no_images(make_folder) -> None:  # type: ignore[no-untyped-def]
    root = make_folder(count=2)
    (root / "dark" / "._00.png").write_bytes(b"left by another system")
    (root / "dark" / ".ipynb_checkpoints").mkdir()
    (root / "dark" / ".ipynb_checkpoints" / "00-checkpoint.png").write_bytes(b"a copy")
    assert [row.file for row in rows_from_folder(root) if row.label == "dark"] == [
        "dark/00.png", "dark/01.png",
    ]  # fmt: skip


def test_a_csv_file_may_stand_in_place_of_the_folder(tmp_path: Path) -> None:
    named = _manifest(tmp_path, *_pair("a"), *_pair("b"))
    alone = dataset_from(recipe.Data(root=tmp_path / "list.csv"))
    assert alone.rows == dataset_from(named).rows


def test_one_of_two_manifests_may_lack_groups_and_columns(tmp_path: Path) -> None:
    data = _manifest(tmp_path, *_pair("a"), *_pair("b"), "x.jpg,a,train,door7,in")
    (tmp_path / "more.csv").write_text("file,label,split\ny.jpg,a,train\nz.jpg,b,val\n")
    for manifests in (("list.csv", "more.csv"), ("more.csv", "list.csv")):
        photos = dataset_from(
            data.model_copy(update={"manifests": manifests, "slices": ("place",)})
        )
        assert {row.file: row.group for row in photos.rows if row.group} == {"x.jpg": "door7"}
        assert len(photos) == 9


def test_a_name_that_is_not_utf_8_is_told(make_folder) -> None:  # type: ignore[no-untyped-def]
    root = make_folder(count=2)
    (root / "dark" / os.fsdecode(b"t\xfcr.png")).write_bytes(b"")
    with pytest.raises(DataError, match=r"dark/t\\xfcr.png' is not UTF-8"):
        rows_from_folder(root)
