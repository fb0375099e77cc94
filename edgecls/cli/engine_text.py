"""What `edgecls engine` found, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from edgecls.cli.measuring import table

if TYPE_CHECKING:
    from edgecls.runtimes.tensorrt_cache import EngineKey, KeptEngine
    from edgecls.runtimes.tensorrt_inspect import EngineLayer

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine, or its absence.

    Args:    seconds: what building took; None where nothing was built.
             refused: variants that this GPU cannot run, each with the reason.
    """

    variant: str
    key: EngineKey
    path: Path
    size_bytes: int | None
    seconds: float | None = None
    refused: tuple[str, ...] = ()
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
            "refused": list(self.refused),
        }

    def as_text(self) -> Text:
        where = f"TensorRT {self.key.tensorrt}, compute capability {self.key.compute_capability}"
        refused = "".join(f"{reason}\n" for reason in self.refused)
        if self.size_bytes is None:
            return Text(f"{self.variant}: no engine for {where}\nmake it: edgecls engine build")
        built = "" if self.seconds is None else f", ready after {self.seconds:.0f} s"
        return Text(
            f"{refused}{self.variant}: {self.size_bytes / MB:.1f} MB for {where}{built}\n"
            f"{self.path}"
        )


@dataclass(frozen=True, slots=True)
class EngineInside:
    """An engine's layers, and what the cache holds.

    Args:    layers: empty where there is no engine, or with a `reason` where it does not load.
    """

    state: EngineState
    layers: tuple[EngineLayer, ...]
    reason: str | None
    kept: tuple[KeptEngine, ...]
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        from edgecls.runtimes.tensorrt_inspect import precisions

        return {
            **self.state.as_json(),
            "layers": [layer.as_json() for layer in self.layers],
            "layers_reason": self.reason,
            "precisions": precisions(self.layers),
            "cache": [item.as_json() for item in self.kept],
        }

    def as_text(self) -> RenderableType:
        parts: list[RenderableType] = [self.state.as_text()]
        if self.reason:
            parts.append(Text(f"its layers cannot be shown: {self.reason}", style="yellow"))
        if self.layers:
            parts += self._layers()
        if self.kept:
            parts += self._kept()
        return Group(*parts)

    def _layers(self) -> list[RenderableType]:
        from edgecls.runtimes.tensorrt_inspect import precisions

        counts = ", ".join(f"{n} {word}" for word, n in precisions(self.layers).items())
        told = counts or "precision not told: edgecls engine build --rebuild makes it anew"
        rows = table("layer", "precision", "layout of its input", "kernel")
        for column in rows.columns[1:]:
            column.justify = "left"
        for layer in self.layers:
            words = (layer.precision, layer.layout, layer.tactic or layer.kind)
            rows.add_row(layer.name, *(word or "-" for word in words))
        return [Text(f"\n{len(self.layers)} layers: {told}"), rows]

    def _kept(self) -> list[RenderableType]:
        rows = table("model", "MB", "TensorRT", "GPU", "last used", "")
        for item in self.kept:
            here = item.path == self.state.path
            fits = "this one" if here else "" if item.fits(self.state.key) else "not for this GPU"
            rows.add_row(
                item.model_sha256,
                f"{item.size_bytes / MB:.1f}",
                item.tensorrt,
                item.compute_capability,
                item.used.strftime("%Y-%m-%d"),
                fits,
            )
        return [Text(f"\nkept in {self.state.path.parent}"), rows]
