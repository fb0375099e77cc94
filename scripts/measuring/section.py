"""What a part hands back: a section of the page, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class NotMeasured(Exception):  # noqa: N818  (it is an answer, not an error)
    """Say why a part could not be measured on this machine."""


@dataclass(frozen=True)
class Section:
    """A title and Markdown text."""

    title: str
    text: str


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
