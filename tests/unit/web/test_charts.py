"""The last day as lines: in bounds, broken where nothing was known, and the same in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from edgecls.web.charts import HEIGHT, WIDTH, charts
from edgecls.web.source import Sample
from tests.household import AT, past_day

SAMPLE = Sample(AT, 50.0, 4.0, 0, 24_000_000_000, 118_000_000)


def points(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.split())]


def test_every_figure_fits_its_frame() -> None:
    drawn = charts(past_day())
    assert [chart.title.split()[0] for chart in drawn] == [
        "Temperature", "Frames", "Frames", "Disk", "Memory"
    ]  # fmt: skip
    for chart in drawn:
        (line,) = chart.lines
        for x, y in points(line):
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
        assert chart.now in chart.words
        assert chart.span in chart.words


def test_warmer_is_higher_and_later_is_farther() -> None:
    samples = [
        replace(SAMPLE, at=AT + timedelta(minutes=2 * index), temperature_c=40.0 + 10 * index)
        for index in range(3)
    ]
    temperature = charts(samples)[0]
    assert points(temperature.lines[0]) == [(0.0, 68.0), (160.0, 36.0), (320.0, 4.0)]
    assert temperature.words.replace("\N{NO-BREAK SPACE}", " ") == (
        "Temperature: between 40 °C and 60 °C in the last 4 min, now 60 °C"
    )


def test_nothing_is_drawn_of_what_is_not_known() -> None:
    assert charts([]) == ()
    assert charts([SAMPLE]) == ()
    later = replace(SAMPLE, at=AT + timedelta(minutes=2))
    blind = [replace(SAMPLE, temperature_c=None), replace(later, temperature_c=None)]
    assert "Temperature" not in [chart.title for chart in charts(blind)]


def test_a_line_is_broken_where_time_jumps() -> None:
    minutes = [0, 2, 4, 60, 62, 10, 12]  # a pause, and a clock that was put back
    samples = [replace(SAMPLE, at=AT + timedelta(minutes=minute)) for minute in minutes]
    assert [len(points(line)) for line in charts(samples)[0].lines] == [3, 2, 2]


def test_a_flat_line_stays_flat_in_the_middle() -> None:
    samples = [replace(SAMPLE, at=AT + timedelta(minutes=2 * index)) for index in range(2)]
    assert {y for _, y in points(charts(samples)[0].lines[0])} == {HEIGHT / 2}
