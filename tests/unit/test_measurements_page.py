"""One section of the page of figures is written anew, and the others stay as they were."""

from __future__ import annotations

from pathlib import Path

from scripts.measuring.page import write_page, write_section
from scripts.measuring.section import Section

YEARS = "Running for years"


def test_a_section_is_added_replaced_and_outlives_the_page(tmp_path: Path) -> None:
    page = tmp_path / "measurements.md"
    write_page(
        [Section("The machine", "old"), Section("Start", "1 ms")], kept=[YEARS, "Card"], page=page
    )
    before = page.read_text()

    write_section(YEARS, [Section("Soak", "flat")], option="daemon", page=page)
    first = page.read_text()
    assert first.startswith(before)
    assert first.count(f"## {YEARS}") == 1
    assert "### Soak\n\nflat" in first

    write_section(YEARS, [Section("Soak", "still flat")], option="daemon", page=page)
    second = page.read_text()
    assert second == first.replace("flat", "still flat")

    write_page([Section("The machine", "new")], kept=[YEARS, "Card"], page=page)
    third = page.read_text()
    assert "1 ms" not in third
    assert third.endswith(second[second.index(f"## {YEARS}") :])
