"""`edgecls engine`: compile a bundle's model for this device's GPU, and look at the result."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from edgecls.cli import output
from edgecls.cli.engine_text import EngineInside, EngineState

if TYPE_CHECKING:
    from edgecls.bundle.manifest import Variant
    from edgecls.bundle.open import Bundle
    from edgecls.runtimes.tensorrt_cache import EngineCache
    from edgecls.runtimes.tensorrt_inspect import EngineLayer
    from edgecls.runtimes.tensorrt_progress import Told

LINE_EVERY_S = 10.0

app = typer.Typer(no_args_is_help=True, help="Compile a bundle for this device's NVIDIA GPU.")

BundleArgument = Annotated[
    Path | None, typer.Argument(help="Folder or .edgecls file; else the one that ships here.")
]
VariantOption = Annotated[
    str | None, typer.Option(help="A variant for tensorrt; else the first that this GPU can run.")
]
CacheOption = Annotated[Path | None, typer.Option("--cache", help="Folder of the engines.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def build(
    bundle: BundleArgument = None,
    variant: VariantOption = None,
    cache: CacheOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Even if one is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Compile the engine now, rather than at the daemon's first start. Takes minutes.

    A GPU without int8 hardware takes the bundle's float variant for tensorrt, and it is said.
    """
    from edgecls.errors import MissingDependencyError
    from edgecls.runtimes.cuda import Cuda
    from edgecls.runtimes.tensorrt import load_or_build

    opened, fitting = _variants(bundle, variant)
    cuda, refused = Cuda(), list[str]()
    begun = time.monotonic()
    for place, item in enumerate(fitting):
        try:
            with _building(item.name) as told:
                load_or_build(opened.artefact(item), cuda, cache, rebuild=rebuild, told=told)
        except MissingDependencyError as error:
            if place == len(fitting) - 1:
                raise
            refused.append(f"{item.name}: {error.message}")
            continue
        seconds = round(time.monotonic() - begun, 1)
        state = _state(opened, item, cuda, _cache(cache), seconds=seconds, refused=tuple(refused))
        output.emit(state, as_json=json)
        return


@app.command()
def inspect(
    bundle: BundleArgument = None,
    variant: VariantOption = None,
    cache: CacheOption = None,
    json: JsonOption = False,
) -> None:
    """Show the engine for this TensorRT, GPU and model: its layers, and what else is kept."""
    from edgecls.errors import InferenceError
    from edgecls.runtimes.cuda import Cuda
    from edgecls.runtimes.tensorrt import layers_of

    opened, fitting = _variants(bundle, variant)
    cuda, engines = Cuda(), _cache(cache)
    states = [_state(opened, item, cuda, engines) for item in fitting]
    shown = next((state for state in states if state.size_bytes is not None), states[0])
    engine = engines.read(shown.key)
    found: tuple[EngineLayer, ...] = ()
    reason = None
    if engine is not None:
        try:
            found = layers_of(engine)
        except InferenceError as error:
            reason = error.message
    output.emit(EngineInside(shown, found, reason, tuple(engines.kept())), as_json=json)


def _variants(bundle: Path | None, variant: str | None) -> tuple[Bundle, list[Variant]]:
    """Return the variants for tensorrt, or the named one; the library must be there."""
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
    plugins.load("runtime", RUNTIMES, "tensorrt")
    return opened, [fitting[names.index(variant)]] if variant else fitting


def _cache(folder: Path | None) -> EngineCache:
    from edgecls.runtimes.tensorrt_cache import EngineCache, default_folder

    return EngineCache(folder or default_folder())


def _state(
    bundle: Bundle,
    variant: Variant,
    cuda: Any,
    engines: EngineCache,
    **told: Any,
) -> EngineState:
    from edgecls.runtimes.tensorrt import engine_key

    key = engine_key(bundle.artefact(variant), cuda)
    path = engines.path(key)
    size_bytes = path.stat().st_size if path.is_file() else None
    return EngineState(variant.name, key, path, size_bytes, **told)


@contextlib.contextmanager
def _building(name: str) -> Iterator[Told]:
    """Show how far a build is: a bar on a terminal, a line now and then elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _liner(name)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{name}: building takes minutes", total=None)

        def told(what: str, done: int, total: int, seconds: float) -> None:
            del seconds  # the bar has a clock of its own
            bar.update(task, description=f"{name}: {what}", completed=done, total=total or None)

        yield told


def _liner(name: str) -> Told:
    last_s = 0.0

    def told(what: str, done: int, total: int, seconds: float) -> None:
        nonlocal last_s
        if seconds - last_s >= LINE_EVERY_S:
            last_s = seconds
            steps = f", {done} of {total}" if total else ""
            sys.stderr.write(f"{name}: {seconds:.0f} s: {what}{steps}\n")

    return told
