"""Each TensorRT gets the flags it wants; a real parser and builder take our file.

The real one is TensorRT for RTX (extra trt-rtx): it parses and builds without a GPU, but it is not
the TensorRT of a Jetson, and it runs nothing here.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgecls.errors import InferenceError
from edgecls.runtimes.tensorrt_build import engine_from_onnx

MODELS = Path(__file__).resolve().parents[2] / "golden" / "models"


class FakeTensorRt:
    """A tensorrt module of one version: remembers what was asked of it.

    Args:    int8: whether the GPU has int8 hardware.   broken: "parse" or "build" fails.
    """

    def __init__(self, version: str, *, int8: bool = True, broken: str = "") -> None:
        self.__version__ = version
        number = int(version.split(".")[0])
        self.flags: list[str] = []
        self.network_flags = -1
        self.timing: bytes | None = None
        self.int8, self.broken = int8, broken
        self.ILogger = type("ILogger", (), {"INTERNAL_ERROR": 0, "ERROR": 1})
        creation = {"EXPLICIT_BATCH": 0} | ({"STRONGLY_TYPED": 1} if number >= 9 else {})
        self.NetworkDefinitionCreationFlag = SimpleNamespace(**creation)
        self.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
        if number <= 10:
            self.BuilderFlag = SimpleNamespace(FP16="FP16", INT8="INT8")

    def Builder(self, logger: Any) -> Any:
        module = self

        class Config:
            def set_memory_pool_limit(self, pool: str, size: int) -> None:
                assert (pool, size > 0) == ("workspace", True)

            def set_flag(self, flag: str) -> None:
                module.flags.append(flag)

            def create_timing_cache(self, data: bytes) -> Any:
                module.timing = data
                return SimpleNamespace(serialize=lambda: b"timings after")

            def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> None:
                assert ignore_mismatch is False

        def create_network(flags: int) -> str:
            module.network_flags = flags
            return "network"

        def build(network: str, config: Config) -> bytes | None:
            logger.log(1, "out of memory")
            return None if module.broken == "build" else b"engine"

        return SimpleNamespace(
            create_network=create_network,
            create_builder_config=Config,
            build_serialized_network=build,
            platform_has_fast_fp16=True,
            platform_has_fast_int8=self.int8,
        )

    def OnnxParser(self, network: str, logger: Any) -> Any:
        error = SimpleNamespace(desc=lambda: "no such operator", node_name=lambda: "Frob_1")
        return SimpleNamespace(
            parse=lambda model: self.broken != "parse", num_errors=1, get_error=lambda at: error
        )


@pytest.mark.parametrize(
    ("version", "network_flags", "flags"),
    [
        ("8.5.2", 0b01, ["FP16", "INT8"]),
        ("10.3.0", 0b00, ["FP16", "INT8"]),
        ("11.1.0", 0b10, []),
    ],
)
def test_flags_follow_the_version(version: str, network_flags: int, flags: list[str]) -> None:
    trt = FakeTensorRt(version)
    assert engine_from_onnx(trt, b"model", timing_cache=b"before") == (b"engine", b"timings after")
    assert (trt.network_flags, trt.flags, trt.timing) == (network_flags, flags, b"before")


def test_without_int8_hardware_the_engine_runs_in_fp16_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trt = FakeTensorRt("8.5.2", int8=False)
    engine_from_onnx(trt, b"model")
    assert trt.flags == ["FP16"]
    assert "no int8 hardware" in caplog.text


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("parse", "cannot parse the model: no such operator (node Frob_1)"),
        ("build", "cannot build the model: out of memory"),
    ],
)
def test_failures_name_their_reason(broken: str, told: str) -> None:
    with pytest.raises(InferenceError) as caught:
        engine_from_onnx(FakeTensorRt("10.3.0", broken=broken), b"model")
    assert told in caught.value.message
    assert caught.value.hint
