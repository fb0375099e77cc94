"""Tuned thresholds as lines for a configuration, with what they are worth."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli.measuring import table
from edgecls.measure.intervals import Estimate
from edgecls.measure.tuning import Tuning

FIELDS = {"day": ("enter", "leave"), "night": ("night_enter", "night_leave")}


def toml_lines(tuning: Tuning) -> list[str]:
    """Return the lines to paste; a light without data has none, and keeps what it has."""
    lines = ["[visit]"]
    for choice in tuning.choices:
        values = (choice.enter, choice.leave)
        lines += [
            f"{name} = {value}"
            for name, value in zip(FIELDS[choice.light], values, strict=True)
            if value is not None
        ]
    return lines


def tune_text(tuning: Tuning, source: str, notes: Sequence[str]) -> RenderableType:
    """Return the lines, the table and what must be known beside it."""
    rows = table("light", "nobody", "persons", "enter", "leave", "told falsely", "persons found")
    for choice in tuning.choices:
        rows.add_row(
            choice.light,
            str(choice.nobody),
            str(choice.persons),
            "-" if choice.enter is None else f"{choice.enter:.3f}",
            "-" if choice.leave is None else f"{choice.leave:.3f}",
            f"{choice.false} of {choice.nobody}",
            _share(choice.found),
        )
    expected = tuning.expected
    words = "no occasion without anybody: nothing can be said" if expected is None else (
        f"{expected.words()}, where {tuning.moves_per_day:.3g} times a day something moves with "
        "nobody there"
    )  # fmt: skip
    verdict = "the wish is proven" if tuning.proven else (
        f"not proven: that takes {tuning.needed} moves without anybody and without a false alarm"
    )  # fmt: skip
    return Group(
        Text(source),
        Text(f"wished: false alarms per camera-day, at most {tuning.wished:g}\n"),
        rows,
        Text(f"\nfalse alarms per camera-day to expect: {words}"),
        Text(verdict, style="green" if tuning.proven else "yellow"),
        *[Text(f"note: {note}", style="yellow") for note in notes],
        Text(
            "told falsely, found: cross-validated; in brackets the 95 % interval; pictures of one "
            "group count once\n",
            style="dim",
        ),
        Text("\n".join(toml_lines(tuning))),
    )


def _share(share: Estimate | None) -> str:
    if share is None:
        return "-"
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"
