"""The report of a comparison by layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from edgecls.measure.layers import Layer, LayerComparison
from edgecls.measure.report import page, plots
from edgecls.measure.report.words import percent, plain


def layers_page(found: LayerComparison) -> bytes:
    """Return the whole report as one HTML file."""
    title = f"{found.bundle}: {found.second} against {found.first}"
    parts = [
        page.heading(
            title,
            [
                f"n = {found.images} images; figures in brackets are 95 % intervals",
                f"same label % {percent(found.agreement)}; scores apart "
                f"{plain(found.scores, digits=4)}, at most {found.score_max:.4f}",
            ],
        )
    ]
    if found.reason:
        parts.append(page.paragraph(f"No figures by layer: {found.reason}", "bad"))
        return page.page(title, parts)
    names = dict(zip(found.layers, short_names(found.layers), strict=True))
    worst = "; ".join(f"{names[layer]} {layer.drop_db:+.1f} dB" for layer in found.worst_steps)
    drawn = page.wide("Signal-to-quantization-noise ratio", plots.layers(found.layers))
    rows = [
        [
            name,
            "x".join(str(side) for side in layer.shape[1:]),
            plain(layer.sqnr_db, digits=1),
            f"{layer.drop_db:+.1f}",
            f"{layer.cosine.value:.5f}",
        ]
        for layer, name in names.items()
    ]
    table = page.table(["layer", "shape", "SQNR dB", "lost dB", "cosine"], rows)
    parts.append(page.section("By layer", [drawn, table], text=f"Most is lost at: {worst}"))
    if found.unmatched:
        parts.append(
            page.paragraph(f"{found.unmatched} layers of {found.first} have no match.", "soft")
        )
    return page.page(title, parts)


def short_names(layers: Sequence[Layer]) -> list[str]:
    """Return the layers' names without the folders that most of them begin with."""
    names = [layer.name.partition(";")[0] for layer in layers]
    while True:
        folders = Counter(name.partition("/")[0] for name in names if "/" in name)
        first, count = folders.most_common(1)[0] if folders else ("", 0)
        if 2 * count <= len(names):
            return names
        names = [name.removeprefix(f"{first}/") for name in names]
