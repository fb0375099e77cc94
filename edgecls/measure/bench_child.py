"""One variant with one thread count, in a process of its own: load, warm up, take turns, report.

The parent starts it with a request in JSON and reads one JSON object from its standard output. What
an earlier model left in memory, caches and thread pools can therefore not colour a figure.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgecls import plugins
from edgecls.bundle.images import pixels_from_bytes
from edgecls.bundle.open import open_bundle
from edgecls.bundle.preprocess import Preprocessor, resized
from edgecls.bundle.scores import Scorer
from edgecls.classifier import open_runtime
from edgecls.errors import EdgeclsError, InferenceError
from edgecls.measure.power import Power, powered
from edgecls.measure.timing import take_turns, timer_overhead_ns, warm_up
from edgecls.ports import Tensor
from edgecls.runtimes import BARE_LOOPS, RUNTIMES

STAGES = ("decode", "resize", "normalise", "infer", "decide")
STAGES_SHARE = 0.2
"""Part of the time that goes to the stages; the rest is shared by our loop and the bare one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure: a variant of a bundle, or a model file of somebody else's.

    Args:    images: files to decode; they are rotated.   warm_up_s: give up warming up after it.
    """

    bundle: str | None
    variant: str
    against: str | None
    runtime: str
    threads: int
    images: tuple[str, ...]
    duration_s: float
    warm_up_s: float

    def as_text(self) -> str:
        return json.dumps(asdict(self))


def request_from_text(text: str) -> Request:
    data = json.loads(text)
    return Request(**{**data, "images": tuple(data["images"])})


def measure(request: Request) -> dict[str, Any]:
    """Measure and return plain data; times are milliseconds, memory is bytes."""
    jpegs = [Path(name).read_bytes() for name in request.images]
    if request.against is not None:
        return _foreign(request, jpegs)
    bundle = open_bundle(Path(request.bundle) if request.bundle else None)
    manifest = bundle.manifest
    before = _memory()
    begun = time.perf_counter_ns()
    plugins.load("runtime", RUNTIMES, request.runtime)
    imported = time.perf_counter_ns()
    variant, runtime = open_runtime(bundle, request.variant, threads=request.threads)
    loaded = time.perf_counter_ns()
    with runtime:
        preprocess = Preprocessor(manifest.input, runtime.input)
        score = Scorer(manifest.output, manifest.labels, runtime.output)
        batches = [preprocess(pixels_from_bytes(data)) for data in jpegs]
        result: dict[str, Any] = {
            "import_ms": (imported - begun) / 1e6,
            "load_ms": (loaded - imported) / 1e6,
            **_first(runtime.infer, batches),
        }
        ours = _rotating(runtime.infer, batches)
        result["warm_up"] = warm_up(ours, limit_s=request.warm_up_s).as_json()
        result["memory"] = {"before_load": before["VmRSS"], **_after(before)}
        bare = plugins.load("bare loop", BARE_LOOPS, request.runtime)(
            bundle.artefact(variant), threads=request.threads
        )
        turns = [ours, _rotating(bare, batches)]
        warm_up(turns[1], limit_s=request.warm_up_s)
        timed_s = request.duration_s * (1 - STAGES_SHARE)
        blocks, power = powered(lambda: take_turns(turns, duration_s=timed_s))
        result["blocks"] = [block.tolist() for block in blocks[0]]
        result["bare_blocks"] = [block.tolist() for block in blocks[1]]
        rule = manifest.input.model_copy(update={"color": "rgb"})
        result["stages"] = _stages(
            jpegs,
            (
                pixels_from_bytes,
                lambda pixels: resized(pixels, rule),
                preprocess,
                runtime.infer,
                lambda output: int(np.argmax(score(output))),
            ),
            duration_s=request.duration_s * STAGES_SHARE,
        )
    return {**result, **_told(power), **_common(jpegs)}


def _foreign(request: Request, jpegs: Sequence[bytes]) -> dict[str, Any]:
    """Measure a model file that has no bundle: its interpreter alone, on pictures of its size."""
    before = _memory()
    begun = time.perf_counter_ns()
    loop = plugins.load("bare loop", BARE_LOOPS, request.runtime)
    imported = time.perf_counter_ns()
    try:
        bare = loop(Path(str(request.against)).read_bytes(), threads=request.threads)
    except Exception as error:  # engines' exceptions share no base but this
        reason = error.message if isinstance(error, EdgeclsError) else str(error).strip()
        reason = reason.partition("\n")[0]
        raise InferenceError(f"{request.against}: cannot be loaded: {reason}") from error
    loaded = time.perf_counter_ns()
    put = bare.input
    batches = [_plain_batch(pixels_from_bytes(data), put.shape, put.dtype) for data in jpegs]
    result: dict[str, Any] = {
        "import_ms": (imported - begun) / 1e6,
        "load_ms": (loaded - imported) / 1e6,
        **_first(bare, batches),
    }
    action = _rotating(bare, batches)
    result["warm_up"] = warm_up(action, limit_s=request.warm_up_s).as_json()
    result["memory"] = {"before_load": before["VmRSS"], **_after(before)}
    turns, power = powered(lambda: take_turns([action], duration_s=request.duration_s))
    blocks = [block.tolist() for block in turns[0]]
    return {**result, **_told(power), "blocks": blocks, **_common(jpegs)}


def _plain_batch(pixels: Any, shape: tuple[int, ...], dtype: str) -> Tensor:
    """Bring a picture to the model's shape: 0 to 1 for floats, the full range for integers."""
    if len(shape) != 4:
        raise InferenceError(f"the model's input is {shape}, expected (1, height, width, channels)")
    if shape[0] != 1:
        raise InferenceError(f"the model takes {shape[0]} images at a time, expected 1: {shape}")
    first = shape[1] in (1, 3) and shape[3] not in (1, 3)
    channels, height, width = shape[1:] if first else (shape[3], *shape[1:3])
    sized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    if channels == 1:
        sized = cv2.cvtColor(sized, cv2.COLOR_RGB2GRAY)[:, :, np.newaxis]
    values = sized.astype(np.int16) - (128 if dtype == "int8" else 0)
    batch = np.asarray(values / 255 if dtype.startswith("float") else values)[np.newaxis]
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2) if first else batch).astype(dtype)


def _first(infer: Callable[[Tensor], Tensor], batches: Sequence[Tensor]) -> dict[str, float]:
    before = time.perf_counter_ns()
    infer(batches[0])
    return {"first_ms": (time.perf_counter_ns() - before) / 1e6}


def _rotating(
    infer: Callable[[Tensor], Tensor], batches: Sequence[Tensor]
) -> Callable[[int], object]:
    count = len(batches)
    return lambda number: infer(batches[number % count])


def _stages(
    jpegs: Sequence[bytes], stages: Sequence[Callable[[Any], Any]], *, duration_s: float
) -> dict[str, list[float]]:
    """Time every step from a camera's JPEG to the decision; returns ms per call and stage."""
    times: list[list[int]] = []
    begun = time.perf_counter_ns()
    while len(times) < 25 or (time.perf_counter_ns() - begun) / 1e9 < duration_s:
        value: Any = jpegs[len(times) % len(jpegs)]
        clock = [time.perf_counter_ns()]
        for stage in stages:
            value = stage(value)
            clock.append(time.perf_counter_ns())
        times.append(clock)
    steps = np.diff(np.asarray(times[5:]), axis=1) / 1e6  # the first few are still cold
    return {name: steps[:, place].tolist() for place, name in enumerate(STAGES)}


def _told(power: Power | None) -> dict[str, Any]:
    """Return the mean power in watts with what the machine draws when idle, and which meter it is;
    None where there is no meter that we may read.
    """
    return {
        "power_w": power.watts if power else None,
        "power_source": power.source if power else None,
    }


def _common(jpegs: Sequence[bytes]) -> dict[str, Any]:
    sizes = {pixels_from_bytes(data).shape[1::-1] for data in jpegs}
    return {
        "cpu_s": time.process_time(),
        "timer_overhead_ns": timer_overhead_ns(),
        "image_px": sorted([int(width), int(height)] for width, height in sizes),
    }


def _memory() -> dict[str, int]:
    """Return this process's resident memory and its peak, in bytes, as the kernel counts them."""
    found = {}
    for line in (
        Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    ):
        name, _, value = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            found[name] = int(value.split()[0]) * 1024
    return found


def _after(before: dict[str, int]) -> dict[str, int]:
    now = _memory()
    return {"resident": now["VmRSS"], "peak": now["VmHWM"], "model": now["VmRSS"] - before["VmRSS"]}


def main() -> None:
    """Answer the request in the first argument."""
    try:
        answer: dict[str, Any] = measure(request_from_text(sys.argv[1]))
    except EdgeclsError as error:
        answer = {"error": error.message, "hint": error.hint, "kind": type(error).__name__}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
