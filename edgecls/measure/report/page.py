"""The page around the plots: style, headings, tables, pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from importlib.resources import files

WIDE_COLUMNS = 5


def page(title: str, parts: Sequence[str]) -> bytes:
    """Return the whole file."""
    style = (files("edgecls.measure.report") / "style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    ).encode()


def heading(title: str, lines: Sequence[str]) -> str:
    soft = "".join(f'<p class="soft">{escape(line)}</p>' for line in lines if line)
    return f"<h1>{escape(title)}</h1>{soft}"


def section(title: str, parts: Sequence[str], *, text: str = "") -> str:
    told = f'<p class="soft">{escape(text)}</p>' if text else ""
    return f"<h2>{escape(title)}</h2>{told}{''.join(parts)}"


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>'


def cards(parts: Sequence[tuple[str, str]], *, small: bool = False) -> str:
    """Lay plots out side by side where there is room; each is (title, content)."""
    inside = "".join(
        f'<div class="card"><h3>{escape(title)}</h3>{content}</div>' for title, content in parts
    )
    return f'<div class="{"grid4" if small else "grid2"}">{inside}</div>'


def wide(title: str, content: str) -> str:
    """Show one plot over the whole width; a phone scrolls it."""
    inside = f'<div class="scroll wide">{content}</div>'
    return f'<div class="card"><h3>{escape(title)}</h3>{inside}</div>'


def key(names: Sequence[str]) -> str:
    """Tell which colour is which."""
    items = "".join(
        f'<span class="c{place % 8}"><b></b><span>{escape(name)}</span></span>'
        for place, name in enumerate(names)
    )
    return f'<div class="key">{items}</div>'


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; text in square brackets at a cell's end is written small, below the value
    where there are many columns.
    """
    kind = ' class="tight"' if len(titles) > WIDE_COLUMNS else ""
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table{kind}><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    value, bracket, rest = text.partition(" [")
    return f"{escape(value)} <small>[{escape(rest)}</small>" if bracket else escape(value)


def matrix(labels: Sequence[str], rows: Sequence[Sequence[int]], colour: int) -> str:
    """Return a confusion matrix: truth down, call across; deeper means a larger part of the row."""
    head = "".join(f"<th>{escape(label)}</th>" for label in labels)
    body = []
    for label, row in zip(labels, rows, strict=True):
        total = max(1, sum(row))
        cells = "".join(
            f'<td style="background:color-mix(in srgb,var(--c{colour % 8}) '
            f'{round(60 * count / total)}%,transparent)">{count}</td>'
            for count in row
        )
        body.append(f"<tr><th>{escape(label)}</th>{cells}</tr>")
    return (
        f'<div class="scroll"><table class="matrix"><tr><th>truth, called</th>{head}</tr>'
        f"{''.join(body)}</table></div>"
    )


def pictures(items: Sequence[tuple[bytes, str]]) -> str:
    """Show JPEGs with their captions; the bytes are inside the page."""
    return '<div class="flips">{}</div>'.format(
        "".join(
            f'<figure><img alt="" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
            for data, caption in items
        )
    )
