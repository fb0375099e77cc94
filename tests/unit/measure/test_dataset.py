"""Data sets: folders, CSV files, splits, and what is wrong with them in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls.errors import ConfigError
from edgecls.measure.dataset import Dataset, Sample, load_dataset, thinned
from edgecls.measure.slices import slice_values

LABELS = ("dark", "bright")


def test_a_csv_gives_samples_with_their_facts(images: Path) -> None:
    data = load_dataset(images, LABELS, split="test")
    assert len(data.samples) == 20
    assert data.name == "images/manifest.csv, split test"
    assert data.samples[0].path == images.parent / "01.png"
    assert data.columns == ("mean_luma", "room")


def test_a_csv_of_a_spreadsheet_begins_with_a_mark(images: Path) -> None:
    images.write_bytes(b"\xef\xbb\xbf" + images.read_bytes())
    assert len(load_dataset(images, LABELS).samples) == 40


def test_a_folder_per_label_needs_no_csv(tmp_path: Path) -> None:
    for label in LABELS:
        (tmp_path / "test" / label).mkdir(parents=True)
        (tmp_path / "test" / label / "a.jpg").touch()
        (tmp_path / "test" / label / "notes.txt").touch()
    data = load_dataset(tmp_path, LABELS, split="test")
    assert [(sample.path.name, sample.label) for sample in data.samples] == [
        ("a.jpg", "bright"),
        ("a.jpg", "dark"),
    ]


def test_folders_of_splits_are_not_taken_for_labels_without_a_word(tmp_path: Path) -> None:
    for name in ("test/dark/a.jpg", "train/bright/a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    with pytest.raises(ConfigError) as caught:
        load_dataset(tmp_path, LABELS)
    assert caught.value.hint == "those folders are splits: choose one with --split test or train"


def test_a_limit_keeps_the_share_of_each_label() -> None:
    samples = [Sample(Path(str(i)), "dark" if i < 30 else "bright") for i in range(40)]
    kept = thinned(samples, 8)
    assert [sample.label for sample in kept] == ["dark"] * 6 + ["bright"] * 2
    assert [int(sample.path.name) for sample in kept[:3]] == [0, 5, 10]


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\na.png,dark\n", "lacks the column 'file', it has name, label"),
        ("file,label\na.png,dim\n", "no label 'dim' (1 images); it has dark, bright"),
        ("file,label\na.png,\n", "line 2: file or label is empty"),
        ("file,label\n", "no image to measure on"),
        ("", "lacks the column 'file', it has none"),
        ("file,label\nb\0\x80", "cannot read"),
    ],
)
def test_a_bad_csv_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "set.csv"
    table.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_dataset(table, LABELS)
    assert message in caught.value.message


def test_an_unknown_split_names_those_there_are(images: Path) -> None:
    with pytest.raises(ConfigError, match=r"no image in split 'val', it has train \(20\), test"):
        load_dataset(images, LABELS, split="val")
    with pytest.raises(ConfigError, match="lacks the column 'split'"):
        load_dataset(_write(images, "file,label\n"), LABELS, split="test")
    with pytest.raises(ConfigError, match="does not exist"):
        load_dataset(images / "nowhere", LABELS)
    with pytest.raises(ConfigError, match="no folder per label"):
        load_dataset(images.parent, LABELS)


def test_an_unknown_label_can_be_left_out_and_is_counted(images: Path) -> None:
    images.write_text(images.read_text() + "x.png,statue,test,1,hall\n")
    with pytest.raises(ConfigError) as caught:
        load_dataset(images, LABELS)
    assert caught.value.hint == "leave those images out with: --skip-label statue"
    assert load_dataset(images, LABELS, skip_labels=["statue"]).skipped == {"statue": 1}


def test_slices_bin_brightness_and_take_columns_of_words(images: Path) -> None:
    data = load_dataset(images, LABELS)
    sliced = slice_values(data, None)
    assert set(sliced) == {"mean_luma", "room"}
    assert sliced["room"] == ["hall"] * 20 + ["yard"] * 20
    assert sliced["mean_luma"][0] == "night (under 50)"
    assert sliced["mean_luma"][-1] == "day"
    with pytest.raises(ConfigError, match="no column 'rom' to slice by, expected one of mean_luma"):
        slice_values(data, ["rom"])


def test_unknown_numbers_are_cut_into_thirds() -> None:
    data = Dataset("x", tuple(Sample(Path("x"), "dark", {"far_m": str(i)}) for i in range(30)))
    assert slice_values(data, None) == {}
    values = slice_values(data, ["far_m"])["far_m"]
    assert (values[0], values[15], values[-1]) == ("under 10", "10 to 20", "20 and over")


def test_rare_words_share_one_slice() -> None:
    words = ["hall"] * 30 + ["yard"] * 25 + ["roof"] * 3
    data = Dataset("x", tuple(Sample(Path("x"), "dark", {"room": word}) for word in words))
    assert set(slice_values(data, None)["room"]) == {"hall", "yard", "other"}


def test_hidden_files_and_folders_are_no_images(tmp_path: Path) -> None:
    for name in (
        "dark/a.jpg",
        "dark/._a.jpg",
        "dark/.checkpoints/a.jpg",
        "bright/b.jpg",
        ".x/c.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [sample.path.name for sample in load_dataset(tmp_path, LABELS).samples]
    assert names == ["b.jpg", "a.jpg"]
