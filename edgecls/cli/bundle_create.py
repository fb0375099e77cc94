"""edgecls bundle create: wrap model files of any origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli import output
from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from edgecls.bundle.manifest import Manifest
    from edgecls.ports import Runtime

_RANGES_HINT = (
    "values become (pixel - mean) / std: --mean 0 --std 255 for models that take 0 to 1, "
    "--mean 127.5 --std 127.5 for -1 to 1, --mean 0 --std 1 for raw pixels, "
    "--mean 123.675,116.28,103.53 --std 58.395,57.12,57.375 for most PyTorch models"
)


def create(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="NAME.edgecls, or a new folder.")],
    file: Annotated[
        list[Path] | None, typer.Option(help="A .tflite or .onnx model; again for more variants.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="In the order of the outputs; again for each.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="A text file, one label per line.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the bundle; OUT's name if left out.")] = None,
    version: Annotated[str, typer.Option(help="Of the bundle.")] = "1",
    mean: Annotated[str | None, typer.Option(help="One number, or one per channel: 1,2,3")] = None,
    std: Annotated[str | None, typer.Option(help="Value = (pixel - mean) / std.")] = None,
    color: Annotated[str, typer.Option(help="rgb, bgr or grey.")] = "rgb",
    resize: Annotated[str, typer.Option(help="stretch, letterbox or center_crop.")] = "stretch",
    interpolation: Annotated[str, typer.Option(help="area or bilinear.")] = "area",
    pad_value: Annotated[int | None, typer.Option(help="Of a letterbox's bars, 0 to 255.")] = None,
    activation: Annotated[
        str, typer.Option(help="softmax, sigmoid; none: the model gives probabilities.")
    ] = "none",
    decision: Annotated[
        str | None, typer.Option(help="The label people are told about; the daemon needs one.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="The decision's score from which on.")] = 0.5,
    license: Annotated[str | None, typer.Option(help="Of the model.")] = None,
    spec: Annotated[
        Path | None, typer.Option("--from", help="A TOML file instead of the options above.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a bundle from model files of your own, after trying that each runs as described.

    The input's size is read from the model.
    """
    from edgecls.bundle.create import draft_from_spec
    from edgecls.bundle.spec import load_spec, spec_from_mapping
    from edgecls.bundle.write import write_bundle

    if spec is not None:
        if file or label or labels:
            raise ConfigError("--from and --file, --label, --labels exclude each other")
        request = load_spec(spec)
    else:
        if not file:
            raise ConfigError("no model given", hint="edgecls bundle create OUT --file MODEL ...")
        if mean is None or std is None:
            raise ConfigError("--mean and --std are needed", hint=_RANGES_HINT)
        channels = 1 if color == "grey" else 3
        content = {
            "name": name or out.stem,
            "version": version,
            "labels": _labels(label, labels),
            "input": {
                "color": color,
                "resize": resize,
                "interpolation": interpolation,
                "pad_value": pad_value,
                "mean": _numbers(mean, "--mean", channels),
                "std": _numbers(std, "--std", channels),
            },
            "output": {"activation": activation},
            "decision": {"label": decision, "threshold": threshold} if decision else None,
            "variants": [{"file": path} for path in file],
            "license": license,
        }
        request = spec_from_mapping(content, origin="the command line")
    draft = draft_from_spec(request, load=_loaded)
    write_bundle(draft.manifest, draft.artefacts, out)
    output.emit(CreateResult(out, draft.manifest, draft.untried), as_json=as_json)


@dataclass(frozen=True)
class CreateResult:
    """What `edgecls bundle create` prints."""

    out: Path
    manifest: Manifest
    untried: Mapping[str, str]

    @property
    def exit_code(self) -> int:
        return 0

    def as_json(self) -> dict[str, Any]:
        return {
            "bundle": {"name": self.manifest.name, "version": self.manifest.version},
            "path": str(self.out),
            "variants": [v.name for v in self.manifest.variants],
            "untried": list(self.untried),
        }

    def as_text(self) -> RenderableType:
        lines = [Text(f"wrote {self.out}: {self.manifest.name} {self.manifest.version}")]
        for variant in self.manifest.variants:
            why = self.untried.get(variant.name)
            state = f"not tried: {why}" if why else "loaded and tried"
            lines.append(Text(f"  {variant.name}: {variant.bytes / 1000:,.0f} kB, {state}"))
        lines.append(Text(f"next: edgecls classify IMAGE --bundle {self.out}", style="dim"))
        return Group(*lines)


def _labels(given: list[str] | None, path: Path | None) -> list[str]:
    if given and path:
        raise ConfigError("--label and --labels exclude each other")
    if path is None:
        return given or []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="one label per line") from error
    return [line.strip() for line in lines if line.strip()]


def _numbers(text: str, option: str, channels: int) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{option}: expected numbers, received {text!r}") from error
    return numbers * channels if len(numbers) == 1 else numbers


def _loaded(runtime: str, model: bytes) -> Runtime:
    from edgecls import plugins
    from edgecls.runtimes import RUNTIMES

    loaded: Runtime = plugins.load("runtime", RUNTIMES, runtime)(model)
    return loaded
