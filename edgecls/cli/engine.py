"""`edgecls engine`: compile a bundle's model for this device's GPU, and look at the result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from edgecls.cli import output

if TYPE_CHECKING:
    from edgecls.runtimes.tensorrt_cache import EngineCache, EngineKey

app = typer.Typer(no_args_is_help=True, help="Compile a bundle for this device's NVIDIA GPU.")

BundleArgument = Annotated[
    Path | None, typer.Argument(help="Folder or .edgecls file; else the one that ships here.")
]
VariantOption = Annotated[
    str | None, typer.Option(help="A variant for tensorrt; else the bundle's first.")
]
CacheOption = Annotated[Path | None, typer.Option("--cache", help="Folder of the engines.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine, or its absence.

    Args:    seconds: what building took; None where nothing was built.
    """

    variant: str
    key: EngineKey
    path: Path
    size_bytes: int | None
    seconds: float | None = None
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "variant": self.variant,
            "tensorrt": self.key.tensorrt,
            "compute_capability": self.key.compute_capability,
            "model_sha256": self.key.model_sha256,
            "engine": str(self.path),
            "bytes": self.size_bytes,
            "seconds": self.seconds,
        }

    def as_text(self) -> Text:
        where = f"TensorRT {self.key.tensorrt}, compute capability {self.key.compute_capability}"
        if self.size_bytes is None:
            return Text(f"{self.variant}: no engine for {where}\nmake it: edgecls engine build")
        built = "" if self.seconds is None else f", built in {self.seconds:.0f} s"
        return Text(
            f"{self.variant}: {self.size_bytes / 1e6:.1f} MB for {where}{built}\n{self.path}"
        )


@app.command()
def build(
    bundle: BundleArgument = None,
    variant: VariantOption = None,
    cache: CacheOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Even if one is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Compile the engine now, rather than at the daemon's first start. Takes minutes."""
    from edgecls.runtimes.cuda import Cuda
    from edgecls.runtimes.tensorrt import load_or_build

    name, model = _model(bundle, variant)
    cuda = Cuda()
    begun = time.monotonic()
    with Console(stderr=True).status(f"building {name}: this takes minutes"):
        load_or_build(model, cuda, cache, rebuild=rebuild)
    seconds = round(time.monotonic() - begun, 1)
    key, engines = _place(model, cuda, cache)
    size_bytes = engines.path(key).stat().st_size if engines.path(key).is_file() else None
    output.emit(EngineState(name, key, engines.path(key), size_bytes, seconds), as_json=json)


@app.command()
def inspect(
    bundle: BundleArgument = None,
    variant: VariantOption = None,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether an engine for this TensorRT, GPU and model is there."""
    from edgecls.runtimes.cuda import Cuda

    name, model = _model(bundle, variant)
    key, engines = _place(model, Cuda(), cache)
    path = engines.path(key)
    size_bytes = path.stat().st_size if path.is_file() else None
    output.emit(EngineState(name, key, path, size_bytes), as_json=json)


def _model(bundle: Path | None, variant: str | None) -> tuple[str, bytes]:
    """Return the name and content of the variant for tensorrt; its library must be there."""
    from edgecls import plugins
    from edgecls.bundle.open import open_bundle
    from edgecls.errors import ConfigError
    from edgecls.runtimes import RUNTIMES

    opened = open_bundle(bundle)
    fitting = [item for item in opened.manifest.variants if item.runtime == "tensorrt"]
    if not fitting:
        raise ConfigError(
            f"{opened.path} has no variant for tensorrt",
            hint="edgecls quantize makes one",
        )
    names = [item.name for item in fitting]
    if variant is not None and variant not in names:
        raise plugins.unknown_key("variant for tensorrt", names, variant)
    chosen = fitting[names.index(variant) if variant else 0]
    plugins.load("runtime", RUNTIMES, "tensorrt")
    return chosen.name, opened.artefact(chosen)


def _place(model: bytes, cuda: Any, folder: Path | None) -> tuple[EngineKey, EngineCache]:
    from edgecls.runtimes.tensorrt import engine_key
    from edgecls.runtimes.tensorrt_cache import EngineCache, default_folder

    return engine_key(model, cuda), EngineCache(folder or default_folder())
