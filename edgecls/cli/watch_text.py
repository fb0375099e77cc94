"""What a watch over clips found, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli.measuring import table
from edgecls.cli.output import aligned
from edgecls.daemon.clips import Totals, totals
from edgecls.measure.rates import span_words
from edgecls.measure.visits import TOLERANCE_S

if TYPE_CHECKING:
    from edgecls.cli.watch import SettingResult
    from edgecls.daemon.clips import ClipResult

LEGEND = (
    f"A visit may begin or end {TOLERANCE_S:g} s outside a noted interval. split: told more than "
    "once; delay: from the noted begin to the arrival that was told, in seconds.\n"
    "False alarms are counted while nobody is there by the notes; in brackets and after "
    '"at most" the 95 % interval (Poisson).'
)


def watch_text(settings: Sequence[SettingResult]) -> RenderableType:
    """Return a table of clips for each setting, and one that compares the settings."""
    parts: list[RenderableType] = []
    for setting in settings:
        parts += [Text(f"{setting.name}: {setting.bundle}", style="bold"), *_clips(setting.clips)]
        parts += [*_tamperings(setting.clips), Text()]
    if any(clip.score is not None for setting in settings for clip in setting.clips):
        parts += [_summary(settings), Text(), *_rates(settings), Text(), Text(LEGEND, style="dim")]
    return Group(*parts)


def _clips(clips: Sequence[ClipResult]) -> list[Text]:
    rows: list[tuple[str, ...]] = [
        ("clip", "length", "known", "found", "missed", "false", "split", "delay s", "visits, s")
    ]
    for clip in clips:
        score = clip.score
        noted = ["-"] * 6
        if score is not None:
            delays = ", ".join(f"{delay:.1f}" for delay in score.delays_s) or "-"
            counts = (score.expected, score.found, score.missed, score.false, score.split)
            noted = [*map(str, counts), delays]
        told = ", ".join(f"{span.begin_s:.1f}-{span.end_s:.1f}" for span in clip.visits) or "none"
        light = " (no colour)" if clip.night > 0.5 else ""
        rows.append((f"{clip.clip.name}{light}", span_words(clip.length_s), *noted, told))
    return aligned(rows)


def _tamperings(clips: Sequence[ClipResult]) -> Iterator[Text]:
    for clip in clips:
        for at_s, told in clip.tamperings:
            yield Text(f"{clip.clip.name}: camera {told} at {at_s:.1f} s", style="yellow")


def _summary(settings: Sequence[SettingResult]) -> RenderableType:
    rows = table(
        "setting", "known", "found", "missed", "false", "split", "delay s", "most", "judged/frame"
    )
    for setting in settings:
        sums = totals(setting.clips)
        counts = (sums.expected, sums.found, sums.missed, sums.false, sums.split)
        rows.add_row(
            setting.name,
            *map(str, counts),
            _seconds(sums.delay_median_s),
            _seconds(sums.delay_max_s),
            f"{sums.classifications_per_frame:.2f}",
        )
    return rows


def _rates(settings: Sequence[SettingResult]) -> Iterator[Text]:
    for setting in settings:
        yield Text(
            f"{setting.name}: false alarms per camera-day: {rate_words(totals(setting.clips))}"
        )


def rate_words(sums: Totals) -> str:
    """Return the rate of false alarms in words."""
    rate = sums.false_per_day
    return "the notes leave no time with nobody there" if rate is None else rate.words()


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
