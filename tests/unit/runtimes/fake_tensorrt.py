"""Stand-ins for TensorRT's Python module and NVIDIA's CUDA runtime.

They check what is asked of them as the real ones would, and an "engine" of theirs really answers:
ONNX Runtime computes it, from and into memory that is addressed as a GPU's is.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from edgecls.runtimes.onnx_outputs import inner_outputs

LAYERS = [
    {
        "Name": "Reformatting CopyNode for Input Tensor 0 to conv1",
        "LayerType": "Reformat",
        "Inputs": [{"Name": "image", "Format/Datatype": "Row major linear FP32"}],
        "Outputs": [{"Name": "q", "Format/Datatype": "Four wide channel Int8 format"}],
        "TacticValue": "0x00000000000003e8",
    },
    {
        "Name": "conv1 + relu1",
        "LayerType": "CaskConvolution",
        "Inputs": [
            {
                "Name": "q",
                "Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format.",
            }
        ],
        "Outputs": [{"Name": "c", "Format/Datatype": "Channel major FP16 format"}],
        "Weights": {"Type": "Int8", "Count": 864},
        "TacticName": "sm80_xmma_fprop_implicit_gemm_interleaved_i8i8_i8i32_f32",
        "TacticValue": "0x1234",
    },
    {
        "Name": "softmax",
        "LayerType": "CaskSoftMaxV2",
        "Inputs": [{"Name": "c", "Format/Datatype": "Half"}],
        "Outputs": [{"Name": "scores", "Format/Datatype": "Float"}],
        "TacticName": "",
    },
]
"""An inspector's answer, in the shapes that TensorRT 8.5 and 10 write."""


class FakeTensorRt:
    """A tensorrt module of one version: remembers what was asked of it.

    Args:    int8: whether the GPU has int8 hardware.   broken: "parse" or "build" fails.
    """

    def __init__(self, version: str, *, int8: bool = True, broken: str = "") -> None:
        self.__version__ = version
        self.number = int(version.split(".")[0])
        self.flags: list[str] = []
        self.network_flags = -1
        self.timing: bytes | None = None
        self.builds = 0
        self.int8, self.broken = int8, broken
        self.ILogger = type("ILogger", (), {"INTERNAL_ERROR": 0, "ERROR": 1, "WARNING": 2})
        self.Logger = type("Logger", (), {"ERROR": 1, "WARNING": 2, "__init__": _take_level})
        creation = {"EXPLICIT_BATCH": 0} | ({"STRONGLY_TYPED": 1} if self.number >= 9 else {})
        self.NetworkDefinitionCreationFlag = SimpleNamespace(**creation)
        self.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
        self.ProfilingVerbosity = SimpleNamespace(DETAILED="detailed")
        self.LayerInformationFormat = SimpleNamespace(JSON="json")
        self.LayerType = SimpleNamespace(QUANTIZE="QuantizeLinear")
        self.TensorIOMode = SimpleNamespace(INPUT="in", OUTPUT="out")
        if self.number <= 10:
            self.BuilderFlag = SimpleNamespace(FP16="FP16", INT8="INT8")
        if self.number >= 10:
            self.IProgressMonitor = type("IProgressMonitor", (), {})

    def Builder(self, logger: Any) -> Any:
        hardware = {"platform_has_fast_fp16": True, "platform_has_fast_int8": self.int8}
        return SimpleNamespace(
            create_network=self._create_network,
            create_builder_config=lambda: (_Config if self.number >= 10 else _Config8)(self),
            build_serialized_network=lambda network, config: self._build(network, config, logger),
            **(hardware if self.number <= 10 else {}),
        )

    def OnnxParser(self, network: Network, logger: Any) -> Any:
        def parse(model: bytes) -> bool:
            network.take(model)
            return self.broken != "parse"

        error = SimpleNamespace(desc=lambda: "no such operator", node_name=lambda: "Frob_1")
        return SimpleNamespace(parse=parse, num_errors=1, get_error=lambda at: error)

    def Runtime(self, logger: Any) -> Any:
        mark = self._mark()

        def deserialize(engine: bytes) -> Engine | None:
            return Engine(engine[len(mark) :]) if engine.startswith(mark) else None

        return SimpleNamespace(deserialize_cuda_engine=deserialize)

    def nptype(self, dtype: str) -> str:
        return dtype

    def _create_network(self, flags: int) -> Network:
        self.network_flags = flags
        return Network()

    def _build(self, network: Network, config: Any, logger: Any) -> bytes | None:
        if self.broken == "build":
            logger.log(1, "out of memory")
        assert config.profiling_verbosity == "detailed"
        assert all(put.shape[0] > 0 for put in network.inputs), "no optimization profile"
        monitor = getattr(config, "progress_monitor", None)
        if monitor is not None:
            monitor.phase_start("Timing tactics", None, 2)
            for step in range(2):
                if not monitor.step_complete("Timing tactics", step):
                    return None
            monitor.phase_finish("Timing tactics")
        self.builds += 1
        return None if self.broken == "build" else self._mark() + network.model

    def _mark(self) -> bytes:
        return f"engine of {self.__version__}:".encode()


def _take_level(self: object, level: int) -> None:
    assert level in (1, 2)


class Network:
    """What a parser fills; empty for bytes that are no ONNX."""

    def __init__(self) -> None:
        self.model = b""
        self.inputs: list[SimpleNamespace] = []
        self.kinds: list[str] = []

    def take(self, model: bytes) -> None:
        self.model = model
        if model == b"model":
            return
        self.kinds = [kind for _, kind in inner_outputs(model)]
        for put in _session(model).get_inputs():
            shape = tuple(side if isinstance(side, int) else -1 for side in put.shape)
            self.inputs.append(SimpleNamespace(name=put.name, shape=shape))

    @property
    def num_inputs(self) -> int:
        return len(self.inputs)

    def get_input(self, place: int) -> SimpleNamespace:
        return self.inputs[place]

    @property
    def num_layers(self) -> int:
        return len(self.kinds)

    def get_layer(self, place: int) -> SimpleNamespace:
        return SimpleNamespace(type=self.kinds[place])


class _Config8:
    """A builder's configuration; it takes no attribute that its version has not."""

    __slots__ = ("_module", "profiling_verbosity")

    def __init__(self, module: FakeTensorRt) -> None:
        self._module = module

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        assert (pool, size > 0) == ("workspace", True)

    def set_flag(self, flag: str) -> None:
        self._module.flags.append(flag)

    def create_timing_cache(self, data: bytes) -> Any:
        self._module.timing = data
        return SimpleNamespace(serialize=lambda: b"timings after")

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> None:
        assert ignore_mismatch is False


class _Config(_Config8):
    __slots__ = ("progress_monitor",)


class Engine:
    """An engine, and its one execution context."""

    def __init__(self, model: bytes) -> None:
        self._session = _session(model)
        self._tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        self._addresses: dict[str, int] = {}
        self.num_io_tensors = len(self._tensors)

    def get_tensor_name(self, place: int) -> str:
        return str(self._tensors[place].name)

    def get_tensor_mode(self, name: str) -> str:
        return "in" if name in [put.name for put in self._session.get_inputs()] else "out"

    def get_tensor_shape(self, name: str) -> Sequence[int]:
        shape = next(item.shape for item in self._tensors if item.name == name)
        return tuple(side if isinstance(side, int) else 1 for side in shape)

    def get_tensor_dtype(self, name: str) -> str:
        kind = next(item.type for item in self._tensors if item.name == name)
        return {"tensor(float)": "float32", "tensor(int8)": "int8"}[kind]

    def create_execution_context(self) -> Engine:
        return self

    def create_engine_inspector(self) -> SimpleNamespace:
        def information(form: str) -> str:
            assert form == "json"
            return json.dumps({"Layers": LAYERS, "Bindings": ["image", "scores"]})

        return SimpleNamespace(get_engine_information=information)

    def set_tensor_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def execute_async_v3(self, stream: int) -> bool:
        assert stream
        put, take = self._tensors
        source = self._view(put.name).copy()
        self._view(take.name)[...] = self._session.run(None, {put.name: source})[0]
        return True

    def _view(self, name: str) -> np.ndarray:
        shape, dtype = self.get_tensor_shape(name), np.dtype(self.get_tensor_dtype(name))
        size = int(np.prod(shape)) * dtype.itemsize
        memory = (ctypes.c_char * size).from_address(self._addresses[name])
        return np.frombuffer(memory, dtype).reshape(shape)


def _session(model: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class FakeCudart:
    """libcudart's few functions on the host's memory; `held` is what was not given back.

    `fails`: the code with which every first call of a process fails; 0 lets it be well.
    """

    def __init__(self, capability: tuple[int, int] = (8, 7)) -> None:
        self.capability = capability
        self.held: dict[int, Any] = {}
        self.streams = 0
        self.fails = 0
        names = [name for name in dir(self) if name.startswith("_cuda")]
        self.library = SimpleNamespace(**{name[1:]: _plain(getattr(self, name)) for name in names})

    def _cudaStreamCreate(self, stream: Any) -> int:
        if self.fails:
            return self.fails
        self.streams += 1
        stream._obj.value = 77
        return 0

    def _cudaStreamDestroy(self, stream: Any) -> int:
        self.streams -= 1
        return 0

    def _cudaStreamSynchronize(self, stream: Any) -> int:
        return 0

    def _cudaDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> int:
        value._obj.value = self.capability[{75: 0, 76: 1}[attribute]]
        return device

    def _cudaMalloc(self, pointer: Any, size: Any) -> int:
        memory = ctypes.create_string_buffer(size.value)
        pointer._obj.value = ctypes.addressof(memory)
        self.held[ctypes.addressof(memory)] = memory
        return 0

    def _cudaFree(self, pointer: Any) -> int:
        return 0 if self.held.pop(pointer.value, None) is not None else 1

    def _cudaMemcpyAsync(self, target: Any, source: Any, size: Any, kind: int, stream: Any) -> int:
        device = target if kind == 1 else source
        if len(self.held[device.value]) < size.value:
            return 1
        ctypes.memmove(target.value, source.value, size.value)
        return 0

    def _cudaGetErrorString(self, code: int) -> bytes:
        return b"invalid value"


def _plain(method: Any) -> Any:
    """Return a function that takes attributes, as those of a ctypes library do."""

    def function(*arguments: object) -> Any:
        return method(*arguments)

    return function
