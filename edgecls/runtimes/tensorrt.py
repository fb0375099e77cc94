"""Models on an NVIDIA GPU, through the TensorRT that comes with JetPack.

The engine is compiled on the device, from ONNX, at first use, and kept: see tensorrt_cache.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorrt as trt

from edgecls.errors import InferenceError, MissingDependencyError
from edgecls.runtimes.checks import GuardedRuntime, check_single
from edgecls.runtimes.cuda import Cuda
from edgecls.runtimes.tensorrt_build import engine_from_onnx
from edgecls.runtimes.tensorrt_cache import EngineCache, EngineKey, default_folder, key_for
from edgecls.runtimes.tensorrt_inspect import EngineLayer, engine_layers
from edgecls.runtimes.tensorrt_progress import Told
from edgecls.sections.firmware import TENSORRT_MIN
from edgecls.types import TensorSpec

log = logging.getLogger(__name__)

LOG_EVERY_S = 30.0


class TensorRtRuntime(GuardedRuntime):
    """Run an ONNX model as a TensorRT engine, through named I/O tensors (TensorRT 8.5 or later).

    Args:    model: ONNX; building blocks for minutes where no engine is cached.
             threads: not used, the GPU has its own.   folder: of the engine cache.
    Raises:  MissingDependencyError for an older TensorRT, or without int8 hardware for a quantized
             model; IncompleteDependencyError without CUDA or a GPU; InferenceError when it cannot
             be built or run.
    """

    def __init__(self, model: bytes, *, threads: int = 1, folder: Path | None = None) -> None:
        del threads
        self._addresses: dict[str, int] = {}
        check_version()  # first of all: with an old one nothing is to be asked of the GPU
        self._cuda = Cuda()
        try:
            put, take = self._open(load_or_build(model, self._cuda, folder))
        except BaseException:
            self._release()
            raise
        super().__init__(put, take)

    def _open(self, engine: bytes) -> tuple[TensorSpec, TensorSpec]:
        self._runtime: Any = trt.Runtime(trt.Logger(trt.Logger.WARNING))
        self._engine: Any = self._runtime.deserialize_cuda_engine(engine)
        if self._engine is None:
            raise InferenceError(
                f"TensorRT {trt.__version__} refuses the engine",
                hint="edgecls engine build --rebuild makes it anew",
            )
        self._context: Any = self._engine.create_execution_context()
        names = [self._engine.get_tensor_name(at) for at in range(self._engine.num_io_tensors)]
        inputs = [name for name in names if self._mode(name) == trt.TensorIOMode.INPUT]
        outputs = [name for name in names if self._mode(name) == trt.TensorIOMode.OUTPUT]
        check_single("input", inputs)
        check_single("output", outputs)
        specs = self._spec(inputs[0]), self._spec(outputs[0])
        for spec in specs:
            size_bytes = int(np.prod(spec.shape)) * np.dtype(spec.dtype).itemsize
            self._addresses[spec.name] = self._cuda.allocate(size_bytes)
            self._context.set_tensor_address(spec.name, self._addresses[spec.name])
        return specs

    def _run(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: as in ports.Tensor
        answer = np.empty(self.output.shape, self.output.dtype)
        source = np.ascontiguousarray(batch)
        self._cuda.upload(self._addresses[self.input.name], source)
        if not self._context.execute_async_v3(self._cuda.stream):
            raise InferenceError("TensorRT could not run the engine", hint="-v shows its log")
        self._cuda.download(answer, self._addresses[self.output.name])
        self._cuda.wait()
        return answer

    def _release(self) -> None:
        self._context = self._engine = self._runtime = None
        for address in self._addresses.values():
            self._cuda.free(address)
        self._cuda.close()

    def _mode(self, name: str) -> Any:
        return self._engine.get_tensor_mode(name)

    def _spec(self, name: str) -> TensorSpec:
        shape = tuple(int(side) for side in self._engine.get_tensor_shape(name))
        dtype = np.dtype(trt.nptype(self._engine.get_tensor_dtype(name))).name
        return TensorSpec(name, shape, dtype)


class BareTensorRt(TensorRtRuntime):
    """The engine without our checks: copy in, run, copy out, for benchmarks to stand beside."""

    def __call__(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: the model's dtype
        return self._run(batch)


def load_or_build(
    model: bytes,
    cuda: Cuda,
    folder: Path | None,
    *,
    rebuild: bool = False,
    told: Told | None = None,
) -> bytes:
    """Return the cached engine of `model` for this TensorRT and GPU, or build and keep it.

    Args:    told: hears how far a build is; None writes it into the log.
    """
    cache, key = EngineCache(folder or default_folder()), engine_key(model, cuda)
    kept = None if rebuild else cache.read(key)
    if kept is not None:
        return kept
    log.info("building the TensorRT engine %s: this takes minutes", key.file_name)
    engine, timing = engine_from_onnx(
        trt, model, timing_cache=cache.timing(key), told=told or _log_lines()
    )
    try:
        cache.write(key, engine, timing)
    except OSError as error:
        log.warning("the engine cannot be kept in %s: %s", cache.path(key), error)
    return engine


def engine_key(model: bytes, cuda: Cuda) -> EngineKey:
    """Return what an engine of `model` must have been built for to run here.

    Raises:  as `check_version`.
    """
    check_version()
    return key_for(model, tensorrt=trt.__version__, compute_capability=cuda.compute_capability())


def check_version() -> None:
    """Refuse a TensorRT without named I/O tensors, such as JetPack 4's: MissingDependencyError."""
    version = tuple(int(part) for part in trt.__version__.split(".")[:2])
    if version < TENSORRT_MIN:
        raise MissingDependencyError(
            f"TensorRT {trt.__version__}, expected {TENSORRT_MIN[0]}.{TENSORRT_MIN[1]} or later",
            hint="take a variant for tflite or onnx, or a newer JetPack",
        )


def layers_of(engine: bytes) -> tuple[EngineLayer, ...]:
    """List the layers of an engine that was built for this TensorRT and GPU."""
    return engine_layers(trt, engine)


def _log_lines() -> Told:
    """Return a listener that logs once in LOG_EVERY_S: a build tells thousands of steps."""
    last_s = 0.0

    def told(what: str, done: int, total: int, seconds: float) -> None:
        nonlocal last_s
        if seconds - last_s >= LOG_EVERY_S:
            last_s = seconds
            log.info("still building the engine after %.0f s: %s, %d of %d", seconds, what, done,
                     total)  # fmt: skip

    return told
