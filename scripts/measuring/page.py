"""The page of figures: written whole, or one section of it anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.measuring.machine import ROOT
from scripts.measuring.section import Section

PAGE = ROOT / "docs" / "measurements.md"
HEAD = """# Measurements

Written by `scripts/measure`, never by hand: every figure is from one run, on the machine below.
A part that could not be measured there says why. On another machine run the command anew.
"""
ABOUT = "Written by `scripts/measure --{option}`; taken at a time of its own:"


def write_page(sections: Sequence[Section], *, kept: Sequence[str], page: Path = PAGE) -> None:
    """Write all sections; those called `kept` stay as they are, at the end."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    stayed = [
        found.rstrip("\n") + "\n" for found in (_find(text, title) for title in kept) if found
    ]
    old = "\n".join(stayed)
    text = "\n".join([HEAD, *(f"## {s.title}\n\n{s.text}\n" for s in sections)])
    page.write_text(f"{text}\n{old}" if old else text, encoding="utf-8")


def write_section(title: str, parts: Sequence[Section], *, option: str, page: Path = PAGE) -> None:
    """Put `parts` under `title`, in the place of what stood there, or at the end."""
    text = page.read_text(encoding="utf-8")
    old = _find(text, title)
    before, _, after = text.partition(old) if old else (text.rstrip("\n") + "\n\n", "", "")
    blocks = "\n".join(f"### {part.title}\n\n{part.text}\n" for part in parts)
    new = f"## {title}\n\n{ABOUT.format(option=option)}\n\n{blocks}"
    page.write_text(f"{before}{new}" + (f"\n{after}" if after else ""), encoding="utf-8")


def _find(text: str, title: str) -> str:
    """Return a section with its heading, "" if there is none."""
    start = text.find(f"\n## {title}\n")
    if start < 0:
        return ""
    end = text.find("\n## ", start + 4)
    return text[start + 1 : end + 1 if end >= 0 else len(text)]
