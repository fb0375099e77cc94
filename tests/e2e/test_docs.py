"""What the documents say is true: fields, examples, exit codes, links."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from edgecls import config, errors
from edgecls.bundle.spec import spec_from_mapping
from edgecls.cli import main
from edgecls.lab import recipe_file
from scripts import configuration_page, recipe_page

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def _blocks(language: str) -> list[tuple[str, str]]:
    return [
        (path.name, body)
        for path in PAGES
        for found, body in FENCE.findall(path.read_text("utf-8"))
        if found == language
    ]


def test_the_configuration_page_tells_every_field_as_it_is() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert written == configuration_page.page(), "run: python -m scripts.configuration_page"


@pytest.mark.parametrize(("page", "text"), _blocks("toml"))
def test_every_configuration_shown_is_valid(page: str, text: str) -> None:
    data = tomllib.loads(text)
    if "variants" in data:
        spec_from_mapping(data, origin=page)
    elif "phases" in data:
        recipe_file.from_mapping(data, origin=page)
    else:
        config.from_mapping(data, origin=page)


def test_the_page_of_recipes_tells_every_field_as_it_is() -> None:
    written = (ROOT / "docs" / "recipe-fields.md").read_text("utf-8")
    assert written == recipe_page.page(), "run: python -m scripts.recipe_page"


def test_every_exit_code_is_told() -> None:
    told = (ROOT / "docs" / "exit-codes.md").read_text("utf-8")
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.EdgeclsError)
    ]
    codes = {0, 1, main.BUG, main.INTERRUPTED, *(error.exit_code for error in classes)}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", told, re.MULTILINE)} == codes


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    targets = [target for target, _ in LINK.findall(page.read_text("utf-8"))]
    dead = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert not dead
