"""Recipes: every fault at once, settings on top, and a resolved recipe that reads back the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgecls.errors import ConfigError
from edgecls.lab import recipe_file
from edgecls.lab.recipe import Recipe

MINIMAL = """
name = "small"
[data]
root = "images"
[architecture]
name = "resnet8"
[[phases]]
name = "head"
epochs = 2
[[phases]]
name = "tune"
epochs = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(MINIMAL)
    return path


def test_a_minimal_recipe_is_filled_with_defaults_and_its_paths_become_absolute(file: Path) -> None:
    recipe = recipe_file.load(file)
    assert recipe.data.root == file.parent / "images"
    assert recipe.training.batch == 32
    assert [phase.name for phase in recipe.phases] == ["head", "tune"]


def test_every_fault_is_told_at_once_with_its_place_and_the_nearest_name(file: Path) -> None:
    file.write_text(
        MINIMAL.replace("epochs = 3", "epochs = 0\nrat = 0.1")
        + "[trainning]\nbatch = 8\n[input]\nresize = 'fit'\n"
    )
    with pytest.raises(ConfigError) as caught:
        recipe_file.load(file)
    message = caught.value.message
    assert message.splitlines()[0].endswith("small.toml: 4 errors")
    assert "phases.1.epochs: Input should be greater than or equal to 1, received 0" in message
    assert "phases.1.rat: unknown field, did you mean 'rate'?" in message
    assert "trainning: unknown field, did you mean 'training'?" in message
    assert "input.resize: Input should be 'stretch', 'letterbox' or 'center_crop'" in message
    assert caught.value.exit_code == 2


def test_a_list_whose_only_item_is_faulty_is_not_called_empty(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        recipe_file.load(file, settings=["phases=[{name='only', epochs=0}]"])
    assert caught.value.message.splitlines()[0].endswith("1 error")


def test_settings_reach_into_tables_and_phases_by_name_or_number(file: Path) -> None:
    recipe = recipe_file.load(
        file,
        settings=["phases.tune.epochs=7", "phases.0.rate=0.5", "data.labels=['a', 'b']",
                  "description=a bare sentence"],
        data=Path("/elsewhere"),
    )  # fmt: skip
    assert recipe.phases[1].epochs == 7
    assert recipe.phases[0].rate == 0.5
    assert recipe.data.labels == ("a", "b")
    assert recipe.description == "a bare sentence"
    assert recipe.data.root == Path("/elsewhere")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("phases.tun.epochs=7", "no item 'tun', expected one of head, tune or a number"),
        ("batch", "--set expects key.key=value"),
        ("name.deeper=1", "name is not a table"),
    ],
)
def test_a_setting_that_leads_nowhere_is_refused(file: Path, setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"--set") as caught:
        recipe_file.load(file, settings=[setting])
    assert said in caught.value.message


def test_a_resolved_recipe_reads_back_the_same_from_a_runs_folder(file: Path) -> None:
    recipe = recipe_file.load(file)
    run = file.parent / "run"
    run.mkdir()
    (run / "recipe.json").write_text(json.dumps(recipe.model_dump(mode="json")))
    assert recipe_file.load(run) == recipe


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phases": [{"name": "a", "epochs": 1, "cached_views": 2}]}, "needs train = "),
        ({"phases": [{"name": "a", "epochs": 1}] * 2}, "two phases are called 'a'"),
        ({"phases": [{"name": "a", "epochs": 1, "size_px": 96}]}, "the last phase has size_px 96"),
        ({"phases": [{"name": "a", "epochs": 1, "rate": float("nan")}]}, "phases.0.rate"),
        ({"augmentation": {"crop_area": [0.9, 0.2]}}, "crop_area must rise inside 0 to 1"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(change: dict[str, object], said: str) -> None:
    content = {
        "name": "r",
        "data": {},
        "architecture": {"name": "resnet8"},
        "phases": [{"name": "a", "epochs": 1}],
    }
    with pytest.raises(ConfigError) as caught:
        recipe_file.from_mapping({**content, **change}, origin="r.toml")
    assert said in caught.value.message


def test_a_missing_recipe_and_a_broken_one_are_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the recipe"):
        recipe_file.load(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ")
    with pytest.raises(ConfigError, match="is not TOML"):
        recipe_file.load(broken)


def test_the_recipes_of_the_project_are_valid(repository: Path) -> None:
    files = sorted((repository / "recipes").glob("*.toml"))
    assert files
    for file in files:
        recipe = recipe_file.load(file)
        assert isinstance(recipe, Recipe)
        assert recipe.name == file.stem.removesuffix("-further")  # another round of one net
