"""edgecls bundle: look into bundles and verify them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli import bundle_create, output

if TYPE_CHECKING:
    from edgecls.bundle.manifest import Accuracy, InputRule, Manifest, Variant

app = typer.Typer(help="Look into bundles, verify them, make them.", no_args_is_help=True)
app.command("create")(bundle_create.create)

BundlePath = Annotated[
    Path | None,
    typer.Argument(metavar="BUNDLE", help="Folder or .edgecls file; the one that ships."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def inspect(bundle: BundlePath = None, as_json: AsJson = False) -> None:
    """Show what a bundle holds; its hashes are verified on the way."""
    from edgecls.bundle.open import open_bundle

    opened = open_bundle(bundle)
    output.emit(InspectResult(opened.path, opened.manifest), as_json=as_json)


@app.command()
def verify(bundle: BundlePath = None, as_json: AsJson = False) -> None:
    """Check that every file of a bundle is there, unchanged, and nothing is unsafe."""
    from edgecls.bundle.open import open_bundle

    opened = open_bundle(bundle)
    output.emit(VerifyResult(opened.path, opened.manifest), as_json=as_json)


@dataclass(frozen=True)
class InspectResult:
    """What `edgecls bundle inspect` prints."""

    path: Path
    manifest: Manifest

    @property
    def exit_code(self) -> int:
        return 0

    def as_json(self) -> dict[str, Any]:
        manifest = self.manifest.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {"path": str(self.path), "manifest": manifest}

    def as_text(self) -> RenderableType:
        manifest = self.manifest
        facts = output.aligned(
            [
                ("bundle", f"{manifest.name} {manifest.version}"),
                ("path", str(self.path)),
                ("task", manifest.task),
                ("input", input_in_words(manifest.input)),
                ("output", f"{manifest.output.activation}: {_shortened(manifest.labels)}"),
                ("decision", _decision_in_words(manifest)),
                ("license", manifest.license or "not told"),
            ],
            header=False,
        )
        rows = [("variant", "runtime", "precision", "size", "accuracy (95 % interval)")]
        for variant in manifest.variants:
            recipe = f" ({variant.recipe})" if variant.recipe else ""
            rows.append(
                (
                    variant.name,
                    variant.runtime,
                    variant.precision + recipe,
                    f"{variant.bytes / 1000:,.0f} kB",
                    accuracy_in_words(variant.accuracy),
                )
            )
        return Group(*facts, Text(), *output.aligned(rows))


@dataclass(frozen=True)
class VerifyResult:
    """What `edgecls bundle verify` prints; a bundle that fails never gets here."""

    path: Path
    manifest: Manifest

    @property
    def exit_code(self) -> int:
        return 0

    def as_json(self) -> dict[str, Any]:
        return {
            "bundle": {"name": self.manifest.name, "version": self.manifest.version},
            "verified": [
                {"file": v.file, "bytes": v.bytes, "sha256": v.sha256} for v in self._files()
            ],
        }

    def as_text(self) -> RenderableType:
        lines = [
            Text.assemble(("ok", "green"), f"  {variant.file}  sha256 {variant.sha256}")
            for variant in self._files()
        ]
        noun = "file" if len(lines) == 1 else "files"
        name = f"{self.manifest.name} {self.manifest.version}"
        return Group(*lines, Text(f"{name}: {len(lines)} {noun} verified"))

    def _files(self) -> list[Variant]:
        """Return one variant per file: two may share one."""
        return list({variant.file: variant for variant in self.manifest.variants}.values())


def input_in_words(rule: InputRule) -> str:
    """Describe an input rule on one line."""
    pad = f" (bars {rule.pad})" if rule.resize == "letterbox" else ""
    mean, std = (",".join(f"{v:g}" for v in values) for values in (rule.mean, rule.std))
    if len(set(rule.mean)) == len(set(rule.std)) == 1:
        mean, std = f"{rule.mean[0]:g}", f"{rule.std[0]:g}"
    return (
        f"{rule.width}x{rule.height} {rule.color}, {rule.resize}{pad}, {rule.interpolation}, "
        f"value = (pixel - {mean}) / {std}"
    )


def accuracy_in_words(accuracy: Accuracy | None) -> str:
    """Describe a measured accuracy with its interval, number of images and data set."""
    if accuracy is None:
        return "not measured"
    low, high = accuracy.ci95
    return (
        f"{accuracy.metric} {accuracy.value:.4f} ({low:.4f} to {high:.4f}), "
        f"n = {accuracy.n}, {accuracy.dataset}"
    )


def _decision_in_words(manifest: Manifest) -> str:
    if manifest.decision is None:
        return "none: the best score wins"
    return f"{manifest.decision.label} from a score of {manifest.decision.threshold:g} on"


def _shortened(labels: tuple[str, ...], most: int = 6) -> str:
    if len(labels) <= most:
        return ", ".join(labels)
    return f"{', '.join(labels[:most])} … ({len(labels)} labels)"
