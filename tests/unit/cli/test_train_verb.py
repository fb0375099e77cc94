"""`edgecls train` and `classify --plot` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="the lab extra is not installed")

from edgecls.bundle.images import encode_jpeg
from edgecls.cli.main import run
from tests.tiny_bundles import picture, tiny_bundle

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RECIPE = """
name = "lights"
[data]
root = "images"
[input]
size_px = 16
[architecture]
name = "tiny_network:tiny"
[training]
batch = 8
[[phases]]
name = "all"
epochs = 2
rate = 0.05
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> Path:
    monkeypatch.syspath_prepend(str(repository / "tests" / "unit" / "lab"))
    rng = np.random.default_rng(1)
    for split in ("train", "val"):
        for label, level in (("off", 40), ("on", 200)):
            folder = tmp_path / "images" / split / label
            folder.mkdir(parents=True)
            for number in range(8):
                pixels = np.clip(rng.normal(level, 20, (20, 20, 3)), 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f"{number}.png"), pixels)
    file = tmp_path / "lights.toml"
    file.write_text(RECIPE)
    return file


def test_one_json_object_on_stdout_and_progress_on_stderr(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = recipe.parent / "run"
    assert run(["train", str(recipe), "--out", str(out), "--json"]) == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert result["schema"] == 1
    assert result["run"] == str(out)
    assert result["results"]["val"]["accuracy"]["n"] == 16
    assert "all 2/2: loss" in said.err
    assert run(["train", str(recipe), "--out", str(out)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert run(["train", str(out), "--resume", "--json"]) == 0  # finished: only judged again
    assert json.loads(capsys.readouterr().out)["results"] == result["results"]


def test_a_recipe_that_cannot_be_used_is_told_before_anything_is_trained(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = recipe.parent / "run"
    words = ["--set", "phases.all.rate=-1", "--set", "input.sizepx=8", "--out", str(out)]
    assert run(["train", str(recipe), *words]) == 2
    said = capsys.readouterr().err
    assert "2 errors" in said
    assert "phases.0.rate" in said
    assert "input.sizepx: unknown field, did you mean 'size_px'?" in said
    assert not out.exists()


def test_data_of_a_kind_that_cannot_be_trained_on_is_told(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 8):
        (recipe.parent / "images" / "train" / "on" / f"{number}.png").unlink()
    assert run(["train", str(recipe), "--out", str(recipe.parent / "run")]) == 4
    assert "class 'on' has 1 training images, expected at least 2" in capsys.readouterr().err


def test_a_picture_is_drawn_beside_its_best_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the lab extra is not installed")
    tiny_bundle(tmp_path / "tiny.edgecls")
    photo, chart = tmp_path / "red.jpg", tmp_path / "chart.png"
    photo.write_bytes(encode_jpeg(picture(150, 40, 110), 95))
    words = ["--bundle", str(tmp_path / "tiny.edgecls"), "--plot", str(chart)]
    assert run(["classify", str(photo), *words]) == 0
    drawn = cv2.imread(str(chart))
    assert drawn.shape[1] > 2 * drawn.shape[0] > 400
    assert run(["classify", str(photo), *words[:-1], str(tmp_path / "none" / "x.png")]) == 2
    assert "cannot write" in capsys.readouterr().err
    (tmp_path / "blue.jpg").write_bytes(photo.read_bytes())
    assert run(["classify", str(photo), str(tmp_path / "blue.jpg"), *words]) == 2
    assert "--plot draws one image, received 2" in capsys.readouterr().err


def test_names_with_formulas_other_scripts_and_no_end_are_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the lab extra is not installed")
    tiny_bundle(tmp_path / "tiny.edgecls")
    words = ["--bundle", str(tmp_path / "tiny.edgecls"), "--top", "5"]
    for name in ("cost $5_$10.jpg", "$\\foo$.jpg", "\u72ac.jpg", f"{'long ' * 40}.jpg"):
        photo = tmp_path / name
        photo.write_bytes(encode_jpeg(picture(150, 40, 110), 95))
        assert run(["classify", str(photo), *words, "--plot", str(tmp_path / "chart.png")]) == 0
    before = photo.read_bytes()
    assert run(["classify", str(photo), *words, "--plot", str(photo)]) == 2
    assert "would overwrite the picture" in capsys.readouterr().err
    assert photo.read_bytes() == before


def test_a_bundle_that_could_not_be_written_is_told_before_training(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = recipe.parent / "run"
    there = recipe.parent / "there.edgecls"
    there.write_bytes(b"of last week")
    missing = recipe.parent / "none" / "x.edgecls"
    for words, said in (
        (["--bundle", str(there)], "exists already"),
        (["--bundle", str(missing)], "is not a folder"),
        (["--bundle", "x.edgecls", "--leave-out", "camera"], "trains to measure"),
        (["--bundle", "x.edgecls", "--set", "data.source=cifar10"], "calibrated on files"),
    ):
        assert run(["train", str(recipe), "--out", str(out), *words]) == 2
        assert said in capsys.readouterr().err
    assert not out.exists()
    assert run(["train", str(recipe), "--out", str(there)]) == 2
    assert "is a file, expected a folder" in capsys.readouterr().err


def test_a_layer_that_a_later_phase_names_wrongly_is_told_before_the_first(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text(RECIPE + '[[phases]]\nname = "tune"\nepochs = 1\ntrain = "covn"\n')
    assert run(["train", str(recipe), "--out", str(recipe.parent / "run")]) == 2
    said = capsys.readouterr()
    assert "train = 'covn' names no layer of tiny" in said.err
    assert "did you mean 'conv'?" in said.err
    assert "all 1/2" not in said.err
