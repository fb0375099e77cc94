"""Plots as SVG text: axes, lines, dots with whiskers. Colours come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 42
COLOURS = 8


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its range, name, and how its values are written.

    Args:    log: equal factors are equally far apart; low must be above 0.
             percent: values are proportions and are written as percent.
    """

    title: str
    low: float
    high: float
    log: bool = False
    percent: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high one."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            return (math.log(max(value, 1e-12)) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return round values inside the range."""
        if not self.log:
            return _round_steps(self.low, self.high)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1, 2, 5) if len(powers) < 5 else (1,)
        values = [step * 10.0**power for power in powers for step in steps]
        inside = [value for value in values if self.low <= value <= self.high]
        return inside if len(inside) > 2 else _round_steps(self.low, self.high)

    def written(self, value: float) -> str:
        return f"{100 * value:.10g}" if self.percent else f"{value:.10g}"


@dataclass(slots=True)
class Plot:
    """A drawing area with two axes; shapes are added in the axes' units."""

    x: Axis
    y: Axis
    title: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    y_names: Sequence[str] = ()
    _parts: list[str] = field(default_factory=list)

    def px(self, value: float) -> float:
        inside = self.width - self.left - RIGHT
        return round(self.left + inside * min(1.02, max(-0.02, self.x.place(value))), 1)

    def py(self, value: float) -> float:
        inside = self.height - TOP - BOTTOM
        return round(TOP + inside * (1 - min(1.02, max(-0.02, self.y.place(value)))), 1)

    def line(self, xs: Sequence[float], ys: Sequence[float], colour: int) -> None:
        """Join points."""
        points = " ".join(f"{self.px(x)},{self.py(y)}" for x, y in zip(xs, ys, strict=True))
        self._parts.append(f'<polyline class="line c{colour % COLOURS}" points="{points}"/>')

    def steps(self, xs: Sequence[float], ys: Sequence[float], colour: int) -> None:
        """Join points by steps: across first, then up or down."""
        points = [f"M{self.px(xs[0])},{self.py(ys[0])}"]
        for x, y in zip(xs[1:], ys[1:], strict=True):
            points.append(f"H{self.px(x)}V{self.py(y)}")
        self._parts.append(f'<path class="line c{colour % COLOURS}" d="{"".join(points)}"/>')

    def dot(
        self,
        x: float,
        y: float,
        colour: int,
        *,
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
        tip: str = "",
    ) -> None:
        """Draw a dot with whiskers along one or both axes."""
        kind = f"c{colour % COLOURS}"
        cx, cy = self.px(x), self.py(y)
        if x_range is not None:
            low, high = self.px(x_range[0]), self.px(x_range[1])
            self._parts.append(
                f'<path class="line {kind}" d="M{low},{cy - 4}V{cy + 4}M{low},{cy}H{high}'
                f'M{high},{cy - 4}V{cy + 4}"/>'
            )
        if y_range is not None:
            low, high = self.py(y_range[0]), self.py(y_range[1])
            self._parts.append(
                f'<path class="line {kind}" d="M{cx - 4},{low}H{cx + 4}M{cx},{low}V{high}'
                f'M{cx - 4},{high}H{cx + 4}"/>'
            )
        told = f"<title>{escape(tip)}</title>" if tip else ""
        self._parts.append(f'<circle class="dot {kind}" cx="{cx}" cy="{cy}" r="4">{told}</circle>')

    def rule(
        self, *, x: float | None = None, y: float | None = None, name: str = "", kind: str = "rule"
    ) -> None:
        """Draw a line across the whole plot, with its name at the end."""
        top, bottom, right = TOP, self.height - BOTTOM, self.width - RIGHT
        if x is not None:
            at = self.px(x)
            self._parts.append(f'<path class="{kind}" d="M{at},{top}V{bottom}"/>')
            self._text(at + 3, top + 9, name, "start")
        if y is not None:
            at = self.py(y)
            self._parts.append(f'<path class="{kind}" d="M{self.left},{at}H{right}"/>')
            self._text(right - 2, at - 4, name, "end")

    def diagonal(self) -> None:
        """Draw a line from corner to corner."""
        self._parts.append(
            f'<path class="rule" d="M{self.left},{self.height - BOTTOM}'
            f'L{self.width - RIGHT},{TOP}"/>'
        )

    def label(self, x: float, y: float, text: str, *, dx: float = 7, dy: float = -6) -> None:
        """Write beside a point, to its left where there is no room on the right."""
        at = self.px(x) + dx
        end = at + 6.2 * len(text) > self.width
        self._text(self.px(x) - dx if end else at, self.py(y) + dy, text, "end" if end else "start")

    def bar(self, low: float, high: float, y: float, colour: int, *, tip: str) -> None:
        """Draw a horizontal bar around `y`, 14 pixels thick."""
        left, right = self.px(low), self.px(high)
        self._parts.append(
            f'<rect class="bar c{colour % COLOURS}" x="{left}" y="{self.py(y) - 7}" '
            f'width="{max(0.0, round(right - left, 1))}" height="14">'
            f"<title>{escape(tip)}</title></rect>"
        )

    def svg(self) -> str:
        """Return the drawing; its width follows the page."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{escape(self.title)}">{self._grid()}{"".join(self._parts)}</svg>'
        )

    def _grid(self) -> str:
        bottom, right = self.height - BOTTOM, self.width - RIGHT
        parts = []
        for value in self.x.ticks():
            at = self.px(value)
            parts.append(f'<path class="grid" d="M{at},{TOP}V{bottom}"/>')
            parts.append(_text_svg(at, bottom + 15, self.x.written(value), "middle"))
        if self.y_names:
            for place, name in enumerate(self.y_names):
                at = self.py(len(self.y_names) - 1 - place)
                parts.append(_text_svg(self.left - 8, at + 4, name, "end"))
        else:
            for value in self.y.ticks():
                at = self.py(value)
                parts.append(f'<path class="grid" d="M{self.left},{at}H{right}"/>')
                parts.append(_text_svg(self.left - 6, at + 4, self.y.written(value), "end"))
        middle = (self.left + right) / 2
        parts.append(_text_svg(middle, self.height - 8, self.x.title, "middle", "axis"))
        if not self.y_names:
            up = (TOP + bottom) / 2
            parts.append(
                f'<text class="axis" text-anchor="middle" '
                f'transform="translate(13,{up}) rotate(-90)">{escape(self.y.title)}</text>'
            )
        return "".join(parts)

    def _text(self, x: float, y: float, text: str, anchor: str) -> None:
        if text:
            self._parts.append(_text_svg(round(x, 1), round(y, 1), text, anchor))


def _text_svg(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _round_steps(low: float, high: float) -> list[float]:
    """Return 4 to 8 multiples of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if span / (power * k) <= 7)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + i) * step, 10) + 0.0 for i in range(count)]


def padded(values: Sequence[float], *, share: float = 0.08) -> tuple[float, float]:
    """Return a range around the values with some room at both ends."""
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * share or 1.0
    return low - room, high + room
