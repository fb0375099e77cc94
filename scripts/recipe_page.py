"""Write docs/recipe-fields.md from the fields themselves: python -m scripts.recipe_page"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from edgecls.lab import recipe
from scripts.configuration_page import table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "recipe-fields.md"
HEAD = """# Fields of a training recipe

Written by `python -m scripts.recipe_page`; a test holds it equal to the code. How they work
together: [training](training.md).
"""
SECTIONS: Mapping[str, type[BaseModel]] = {
    "top of the file": recipe.Recipe,
    "[data]": recipe.Data,
    "[input]": recipe.Input,
    "[architecture]": recipe.Architecture,
    "[augmentation]": recipe.Augmentation,
    "[training]": recipe.Training,
    "[[phases]], in order": recipe.Phase,
    "[distillation], may be left out": recipe.Distillation,
}
TABLES = ("data", "input", "architecture", "augmentation", "training", "phases", "distillation")


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for title, section in SECTIONS.items():
        skip = TABLES if section is recipe.Recipe else ()
        parts += [
            f"## {title}\n",
            f"{(section.__doc__ or '').strip()}\n",
            table(section, skip=skip),
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
