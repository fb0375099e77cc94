"""`edgecls adversarial`: pictures made to mislead the float net, for `edgecls evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli import measuring, output
from edgecls.cli.evaluate import DATA_HELP
from edgecls.cli.hush import hush_tensorflow
from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from edgecls.lab.adversarial_set import Written


@dataclass(frozen=True, slots=True)
class AdversarialResult:
    """What was written."""

    written: Written
    bundle: Path
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "out": str(self.written.out),
            "images": self.written.images,
            "attacks": list(self.written.attacks),
            "patterns": self.written.patterns,
            "unreadable": [str(path) for path in self.written.unreadable],
        }

    def as_text(self) -> RenderableType:
        found = self.written
        lines = [
            f"{found.out}: {found.images} images, each as {', '.join(found.attacks)}; "
            f"{found.patterns} patterns made from nothing"
        ]
        lines += [f"  passed over, unreadable: {path}" for path in found.unreadable]
        lines.append(
            f"how it is taken: edgecls evaluate {self.bundle} DATA --adversarial {found.out}"
        )
        return Group(*(Text(line) for line in lines))


def adversarial(
    model: Annotated[
        Path,
        typer.Option(help="Its net: the .keras file, or the recipe (.toml) it was trained by."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist.")],
    bundle: Annotated[
        Path | None, typer.Argument(metavar="BUNDLE", help=measuring.BUNDLE_HELP)
    ] = None,
    data: Annotated[Path | None, typer.Argument(metavar="DATA", help=DATA_HELP)] = None,
    epsilon: Annotated[
        str, typer.Option(help="How far pixels move, in grey levels of 255; commas between.")
    ] = "1,2,4,8",
    split: Annotated[str | None, typer.Option(help="Only the images of this split.")] = None,
    skip_label: Annotated[
        list[str] | None, typer.Option(help="Leave images with this label out.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="About so many images, by label.")] = 200,
    patterns: Annotated[
        int, typer.Option(min=0, max=256, help="Pictures made from nothing by gradient ascent.")
    ] = 16,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make adversarial images: edgecls adversarial my-bundle DATA --model net.keras --out DIR

    The fast gradient sign method moves every pixel a little so that the float net errs; gradient
    ascent makes patterns that it takes for the label people are told about. The folder holds
    PNG files and a CSV, and needs no Keras from then on: edgecls evaluate --adversarial DIR.
    """
    hush_tensorflow()
    from edgecls.lab.adversarial_set import net_for_gradients, write_adversarial
    from edgecls.measure.dataset import load_dataset

    opened, images = measuring.bundle_and_data(bundle, data)
    dataset = load_dataset(
        images, opened.manifest.labels, split=split, skip_labels=skip_label or (), limit=limit
    )
    steps = epsilons_from_text(epsilon)
    net = net_for_gradients(model, opened)
    with measuring.progress() as told:
        written = write_adversarial(
            net, opened, dataset, out, epsilons=steps, patterns=patterns, report=told
        )
    output.emit(AdversarialResult(written, opened.path), as_json=json)


def epsilons_from_text(text: str) -> tuple[int, ...]:
    """Read "1,2,4,8". Raises: ConfigError unless all are whole numbers from 1 to 64."""
    try:
        found = tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError:
        found = ()
    if not found or found[0] < 1 or found[-1] > 64:
        raise ConfigError(
            f"--epsilon: expected whole numbers from 1 to 64 with commas between, received {text!r}"
        )
    return found
