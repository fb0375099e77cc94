"""What is inside a compiled engine: its layers, in which precision, by which kernel."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgecls.errors import InferenceError

PRECISIONS = (
    ("int8", re.compile("int8", re.IGNORECASE)),
    ("bfloat16", re.compile("bf16|bfloat16", re.IGNORECASE)),
    ("float16", re.compile("fp16|half|float16", re.IGNORECASE)),
    ("float8", re.compile("fp8|float8|e4m3", re.IGNORECASE)),
    ("int32", re.compile("int32", re.IGNORECASE)),
    ("int64", re.compile("int64", re.IGNORECASE)),
    ("float32", re.compile(r"fp32|float32|\bfloat\b", re.IGNORECASE)),
)
"""TensorRT writes the same type as "Int8", "Half", "FP16" or "Row major linear FP16 format"."""


@dataclass(frozen=True, slots=True)
class EngineLayer:
    """One layer; None where the engine does not tell.

    Args:    precision: of its weights, or of its input where it has none.
             layout: of its input in memory.   tactic: the kernel that was found fastest.
    """

    name: str
    kind: str | None = None
    precision: str | None = None
    layout: str | None = None
    tactic: str | None = None

    def as_json(self) -> dict[str, str | None]:
        return asdict(self)


def engine_layers(trt: Any, engine: bytes) -> tuple[EngineLayer, ...]:  # Any: has no stubs
    """Load an engine and list its layers, in the order they run. Needs the GPU.

    Raises:  InferenceError when this TensorRT refuses the engine.
    """
    loaded = trt.Runtime(trt.Logger(trt.Logger.ERROR)).deserialize_cuda_engine(engine)
    if loaded is None:
        raise InferenceError(
            f"TensorRT {trt.__version__} refuses the engine",
            hint="edgecls engine build --rebuild makes it anew",
        )
    inspector = loaded.create_engine_inspector()
    return layers_from_json(inspector.get_engine_information(trt.LayerInformationFormat.JSON))


def layers_from_json(text: str) -> tuple[EngineLayer, ...]:
    """Read what IEngineInspector writes (TensorRT 8.5 to 11).

    An engine that was built without detailed verbosity gives names alone.

    Raises:  InferenceError when it is not that.
    """
    try:
        layers = json.loads(text)["Layers"]
        return tuple(_layer(item) for item in layers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InferenceError(
            f"TensorRT's account of the engine cannot be read: {error!r}",
            hint="edgecls engine build --rebuild makes it anew",
        ) from error


def precisions(layers: Sequence[EngineLayer]) -> dict[str, int]:
    """Count layers by precision, the commonest first; those that do not tell are left out."""
    return dict(Counter(layer.precision for layer in layers if layer.precision).most_common())


def _layer(item: Mapping[str, Any] | str) -> EngineLayer:
    if isinstance(item, str):
        return EngineLayer(item)
    put = next((_layout(tensor) for tensor in item.get("Inputs") or ()), None)
    take = next((_layout(tensor) for tensor in item.get("Outputs") or ()), None)
    weights = item.get("Weights")
    own = str(weights.get("Type")) if isinstance(weights, Mapping) else None
    tactic = item.get("TacticName") or item.get("TacticValue")
    return EngineLayer(
        str(item["Name"]),
        item.get("LayerType"),
        next(filter(None, map(_precision, (own, put, take))), None),
        put or take,
        str(tactic) if tactic else None,
    )


def _layout(tensor: Mapping[str, Any]) -> str | None:
    words = tensor.get("Format/Datatype") or tensor.get("Datatype") or tensor.get("Format")
    return str(words).rstrip(".").removesuffix(" format") if words else None


def _precision(words: str | None) -> str | None:
    return next((name for name, pattern in PRECISIONS if words and pattern.search(words)), None)
