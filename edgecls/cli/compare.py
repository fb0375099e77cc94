"""edgecls compare: two variants tensor by tensor, to find where an error enters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli import measuring, output
from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from edgecls.bundle.open import Bundle
    from edgecls.measure.layers import LayerComparison

IMAGES_MAX = 64


def compare(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="BUNDLE", help=measuring.BUNDLE_HELP)
    ] = None,
    first: Annotated[
        str | None, typer.Argument(metavar="FIRST", help="The variant to trust, a float32 one.")
    ] = None,
    second: Annotated[
        str | None, typer.Argument(metavar="SECOND", help="The variant to look into.")
    ] = None,
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE...", help="Files, folders, globs.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how far two variants' answers lie apart, and at which layer the error enters.

    Layers are matched by their tensors' names, so both variants must be of the same runtime.
    """
    from edgecls.cli.classify import images_from_arguments
    from edgecls.measure.layers import compare_layers
    from edgecls.measure.report.layers import layers_page

    opened, names, sources = _shifted([bundle, first, second, *(images or ())])
    paths, _ = images_from_arguments(sources)
    step = max(1, len(paths) // IMAGES_MAX)
    found = compare_layers(opened, *names, paths[::step][:IMAGES_MAX])
    if report:
        measuring.write(report, layers_page(found))
    output.emit(CompareLayersResult(found), as_json=as_json)


def _shifted(given: Sequence[Path | str | None]) -> tuple[Bundle, tuple[str, str], list[str]]:
    """Return bundle, variants and images; the shipped bundle where a variant of it comes first."""
    from edgecls.bundle.open import open_bundle

    words = [str(word) for word in given if word is not None]
    opened = open_bundle(None)
    known = [item.name for item in opened.manifest.variants]
    if words and (Path(words[0]).exists() or words[0] not in known):
        opened, words = open_bundle(Path(words[0])), words[1:]
    if len(words) < 3:
        raise ConfigError(
            f"expected two variants and images, received {', '.join(words) or 'none'}",
            hint="edgecls compare [BUNDLE] FIRST SECOND IMAGE..., for example "
            "tflite-float32 tflite-int8 FOLDER",
        )
    return opened, (words[0], words[1]), words[2:]


@dataclass(frozen=True)
class CompareLayersResult:
    """What `edgecls compare` prints."""

    found: LayerComparison
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return self.found.as_json()

    def as_text(self) -> RenderableType:
        from edgecls.measure.report.layers import short_names
        from edgecls.measure.report.words import percent, plain

        found = self.found
        head = Text(
            f"{found.second} against {found.first}, {found.images} images; "
            "in brackets: 95 % interval\n"
            f"same label % {percent(found.agreement)}; scores apart "
            f"{plain(found.scores, digits=4)}, at most {found.score_max:.4f}\n"
        )
        if found.reason:
            return Group(head, Text(f"no figures by layer: {found.reason}", style="yellow"))
        rows = measuring.table("layer", "shape", "SQNR dB", "lost dB", "cosine")
        worst = {layer.name for layer in found.worst_steps if layer.drop_db > 1}
        for layer, name in zip(found.layers, short_names(found.layers), strict=True):
            sqnr = layer.sqnr_db
            rows.add_row(
                Text(name, style="bold" if layer.name in worst else ""),
                "x".join(str(side) for side in layer.shape[1:]),
                f"{sqnr.value:.1f} [{sqnr.low:.1f},{sqnr.high:.1f}]",
                f"{layer.drop_db:+.1f}",
                f"{layer.cosine.value:.5f}",
            )
        missing = f"\n{found.unmatched} layers of {found.first} have no match in {found.second}"
        return Group(head, rows, Text(missing if found.unmatched else ""))
