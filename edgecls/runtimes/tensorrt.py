"""Models on an NVIDIA GPU, through the TensorRT that comes with JetPack.

The engine is compiled on the device, from ONNX, at first use, and kept: see tensorrt_cache.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorrt as trt
from typing_extensions import Self

from edgecls.errors import InferenceError
from edgecls.runtimes.checks import check_batch, check_single
from edgecls.runtimes.cuda import Cuda
from edgecls.runtimes.tensorrt_build import engine_from_onnx
from edgecls.runtimes.tensorrt_cache import EngineCache, EngineKey, default_folder, key_for
from edgecls.types import TensorSpec

log = logging.getLogger(__name__)


class TensorRtRuntime:
    """Run an ONNX model as a TensorRT engine, through named I/O tensors (TensorRT 8.5 or later).

    Args:    model: ONNX; building blocks for minutes where no engine is cached.
             threads: not used, the GPU has its own.   folder: of the engine cache.
    Raises:  MissingDependencyError without CUDA; InferenceError when it cannot be built or run.
    """

    def __init__(self, model: bytes, *, threads: int = 1, folder: Path | None = None) -> None:
        del threads
        self._addresses: dict[str, int] = {}
        self._cuda: Cuda | None = Cuda()
        plan = load_or_build(model, self._cuda, folder)
        self._runtime: Any = trt.Runtime(trt.Logger(trt.Logger.WARNING))
        self._engine: Any = self._runtime.deserialize_cuda_engine(plan)
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
        self._input, self._output = self._spec(inputs[0]), self._spec(outputs[0])
        for spec in (self._input, self._output):
            size_bytes = int(np.prod(spec.shape)) * np.dtype(spec.dtype).itemsize
            self._addresses[spec.name] = self._cuda.allocate(size_bytes)
            self._context.set_tensor_address(spec.name, self._addresses[spec.name])

    @property
    def input(self) -> TensorSpec:
        return self._input

    @property
    def output(self) -> TensorSpec:
        return self._output

    def infer(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: as in ports.Tensor
        """Run the model once; see ports.Runtime."""
        check_batch(batch, self._input)
        if self._cuda is None:
            raise InferenceError("the runtime is closed")
        answer = np.empty(self._output.shape, self._output.dtype)
        source = np.ascontiguousarray(batch)
        self._cuda.upload(self._addresses[self._input.name], source)
        if not self._context.execute_async_v3(self._cuda.stream):
            raise InferenceError("TensorRT could not run the engine", hint="-v shows its log")
        self._cuda.download(answer, self._addresses[self._output.name])
        self._cuda.wait()
        return answer

    def close(self) -> None:
        if self._cuda is None:
            return
        self._context = self._engine = self._runtime = None
        for address in self._addresses.values():
            self._cuda.free(address)
        self._cuda.close()
        self._cuda = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _mode(self, name: str) -> Any:
        return self._engine.get_tensor_mode(name)

    def _spec(self, name: str) -> TensorSpec:
        shape = tuple(int(side) for side in self._engine.get_tensor_shape(name))
        dtype = np.dtype(trt.nptype(self._engine.get_tensor_dtype(name))).name
        return TensorSpec(name, shape, dtype)


def load_or_build(model: bytes, cuda: Cuda, folder: Path | None, *, rebuild: bool = False) -> bytes:
    """Return the cached engine of `model` for this TensorRT and GPU, or build and keep it."""
    cache, key = EngineCache(folder or default_folder()), engine_key(model, cuda)
    kept = None if rebuild else cache.read(key)
    if kept is not None:
        return kept
    log.info("building the TensorRT engine %s: this takes minutes", key.file_name)
    engine, timing = engine_from_onnx(trt, model, timing_cache=cache.timing(key))
    try:
        cache.write(key, engine, timing)
    except OSError as error:
        log.warning("the engine cannot be kept in %s: %s", cache.path(key), error)
    return engine


def engine_key(model: bytes, cuda: Cuda) -> EngineKey:
    """Return what an engine of `model` must have been built for to run here."""
    return key_for(model, tensorrt=trt.__version__, compute_capability=cuda.compute_capability())
