"""The calibration set: chosen by a rule, locked by hash, apart from what is measured on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgecls.errors import CalibrationError, ConfigError
from edgecls.lab.quantization import calibration_set
from edgecls.measure.dataset import load_dataset

HEAD = """
name = "blobs"
labels = ["dark", "light"]
[source]
data = "blobs"
[selection]
count = {count}
seed = 3
[input]
width = 32
height = 32
mean = [0, 0, 0]
std = [255, 255, 255]
[output]
activation = "none"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for label, level in (("dark", 60), ("light", 190)):
        (tmp_path / "blobs" / label).mkdir(parents=True)
        for number in range(6):
            pixels = np.full((8, 8, 3), level + number, np.uint8)
            cv2.imwrite(str(tmp_path / "blobs" / label / f"{number}.png"), pixels)
    return tmp_path


def written(folder: Path, count: int = 6) -> Path:
    path = folder / "set.toml"
    path.write_text(HEAD.format(count=count))
    return path


def test_labels_alternate_and_the_same_seed_chooses_the_same(data: Path) -> None:
    wanted = calibration_set.load_calibration_set(written(data))
    first, second = calibration_set.select(wanted, data), calibration_set.select(wanted, data)
    assert first.hashes == second.hashes
    assert [sample.label for sample in first.samples] == ["dark", "light"] * 3


def test_night_and_day_alternate_and_a_luma_that_is_no_number_is_refused(data: Path) -> None:
    rows = [
        f"blobs/{label}/{number}.png,{label},{20 if number < 2 else 120}"
        for label in ("dark", "light")
        for number in range(6)
    ]
    table = data / "table.csv"
    table.write_text("\n".join(["file,label,luma", *rows]))
    path = written(data, count=4)
    text = path.read_text().replace('data = "blobs"', 'data = "table.csv"')
    path.write_text(text.replace("seed = 3", 'seed = 3\nluma_column = "luma"'))
    wanted = calibration_set.load_calibration_set(path)
    selected = calibration_set.select(wanted, data)
    assert [sample.facts["luma"] for sample in selected.samples] == ["120", "20", "120", "20"]
    table.write_text(table.read_text().replace("120", "bright", 1))
    with pytest.raises(ConfigError, match="luma is 'bright', expected a number"):
        calibration_set.select(wanted, data)


def test_no_images_at_all_is_told(data: Path) -> None:
    for path in (data / "blobs").rglob("*.png"):
        path.unlink()
    wanted = calibration_set.load_calibration_set(written(data))
    with pytest.raises(ConfigError, match="blobs: no image"):
        calibration_set.select(wanted, data)


def test_a_locked_set_refuses_another_image_in_the_place_of_one(data: Path) -> None:
    path = written(data)
    selected = calibration_set.select(calibration_set.load_calibration_set(path), data)
    calibration_set.lock(path, selected.hashes)
    calibration_set.lock(path, selected.hashes)
    locked = calibration_set.load_calibration_set(path)
    assert calibration_set.select(locked, data).hashes == selected.hashes
    cv2.imwrite(str(selected.samples[0].path), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(CalibrationError, match="1 of 6 images differ"):
        calibration_set.select(locked, data)


def test_locking_keeps_what_else_is_in_the_file(data: Path) -> None:
    path = written(data)
    told = "# edgecls calibrate --lock writes [locked] at the end\n"
    path.write_text(told + path.read_text())
    calibration_set.lock(path, ["1" * 64])
    decision = '# who is told\n[decision]\nlabel = "light"\nthreshold = 0.5\n'
    path.write_text(path.read_text() + decision)
    calibration_set.lock(path, ["2" * 64, "3" * 64])
    assert path.read_text().startswith(told)
    assert decision in path.read_text()
    locked = calibration_set.load_calibration_set(path)
    assert locked.locked is not None
    assert locked.locked.images == ("2" * 64, "3" * 64)
    assert locked.decision is not None


def test_one_class_alone_is_refused(data: Path) -> None:
    for path in (data / "blobs" / "light").iterdir():
        path.unlink()
    (data / "blobs" / "light").rmdir()
    wanted = calibration_set.load_calibration_set(written(data))
    with pytest.raises(CalibrationError, match="at least two labels"):
        calibration_set.select(wanted, data)


def test_too_few_images_are_refused(data: Path) -> None:
    wanted = calibration_set.load_calibration_set(written(data, count=40))
    with pytest.raises(CalibrationError, match="12 images, expected 40"):
        calibration_set.select(wanted, data)


def test_an_unreadable_image_is_passed_over_and_named_many_are_refused(data: Path) -> None:
    wanted = calibration_set.load_calibration_set(written(data))
    first = calibration_set.select(wanted, data).samples[0].path
    first.write_bytes(b"no image")
    assert calibration_set.select(wanted, data).unreadable == (first,)
    for path in (data / "blobs" / "dark").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(CalibrationError, match="unreadable images, the first"):
        calibration_set.select(wanted, data)


def test_calibration_images_must_not_be_measured_on(data: Path) -> None:
    selected = calibration_set.select(calibration_set.load_calibration_set(written(data)), data)
    with pytest.raises(CalibrationError, match="6 calibration images are in blobs"):
        calibration_set.check_disjoint(
            selected.hashes, load_dataset(data / "blobs", ("dark", "light"))
        )


def test_an_image_to_measure_on_that_is_not_there_is_named(data: Path) -> None:
    table = data / "table.csv"
    table.write_text("file,label\nblobs/dark/0.png,dark\nnowhere.png,light\n")
    with pytest.raises(CalibrationError, match=r"nowhere\.png: cannot be read: No such file"):
        calibration_set.check_disjoint(["1" * 64], load_dataset(table, ("dark", "light")))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"blobs"\nlabels', '"my blobs"\nlabels', "name: "),
        ('"light"]', '"light", "dark"]', "label 'dark' appears more than once"),
        ("[input]", '[decision]\nlabel = "lite"\nthreshold = 0.5\n[input]', "'lite' is not among"),
    ],
)
def test_what_no_bundle_may_hold_is_refused_at_once(
    data: Path, old: str, new: str, told: str
) -> None:
    path = written(data)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=told):
        calibration_set.load_calibration_set(path)


def test_all_faults_of_the_file_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "set.toml"
    path.write_text(HEAD.format(count=1).replace("seed", "sead"))
    with pytest.raises(ConfigError) as caught:
        calibration_set.load_calibration_set(path)
    assert "selection.count" in caught.value.message
    assert "did you mean 'seed'?" in caught.value.message
