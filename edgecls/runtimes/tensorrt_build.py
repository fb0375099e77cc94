"""Compile an ONNX model into a TensorRT engine; what differs from version 8.5 to 11 is here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from edgecls.errors import InferenceError

log = logging.getLogger(__name__)

WORKSPACE_BYTES = 256 * 1024 * 1024
STRONG_TYPING_SINCE = 11
FLAGS_UNTIL = 10
EXPLICIT_BATCH_UNTIL = 9


def major(trt: Any) -> int:  # Any: the tensorrt module, which has no stubs
    """Return TensorRT's major version."""
    return int(str(trt.__version__).partition(".")[0])


def engine_from_onnx(
    trt: Any,  # Any: the tensorrt module, or tensorrt_rtx in tests
    model: bytes,
    *,
    timing_cache: bytes = b"",
    strongly_typed: bool | None = None,
    progress: Any = None,  # Any: a trt.IProgressMonitor, from version 10 on
) -> tuple[bytes, bytes]:
    """Parse and build. Blocks for minutes on a Jetson.

    A Q/DQ model runs in int8 where the GPU can; up to TensorRT 10 that takes the INT8 flag beside
    the Q/DQ nodes, and the layers between them may run in fp16. From 11 on types are the graph's.

    Args:    model: ONNX with fixed shapes.   timing_cache: of an earlier build, b"" for none.
             strongly_typed: None decides by version.
    Returns: the serialized engine and the timing cache after the build.
    Raises:  InferenceError when the model cannot be parsed (node named) or built.
    """
    logger = _Logger(trt)
    builder = trt.Builder(logger.target)
    strong = major(trt) >= STRONG_TYPING_SINCE if strongly_typed is None else strongly_typed
    network = builder.create_network(_network_flags(trt, strong))
    parser = trt.OnnxParser(network, logger.target)
    if not parser.parse(model):
        raise InferenceError(
            f"TensorRT {trt.__version__} cannot parse the model: {_first_error(parser)}",
            hint="use the variant made for tensorrt: edgecls quantize writes it",
        )
    config = builder.create_builder_config()
    if hasattr(trt, "MemoryPoolType"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    if not strong:
        _allow_precisions(trt, builder, config)
    cache = None
    if hasattr(config, "create_timing_cache"):
        cache = config.create_timing_cache(timing_cache)
        config.set_timing_cache(cache, False)
    if progress is not None and hasattr(config, "progress_monitor"):
        config.progress_monitor = progress
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise InferenceError(
            f"TensorRT {trt.__version__} cannot build the model: {logger.last_error}",
            hint="free memory on the device and try again; -v shows TensorRT's own log",
        )
    after = bytes(cache.serialize()) if cache is not None else b""
    return bytes(engine), after


def _network_flags(trt: Any, strong: bool) -> int:
    flags = trt.NetworkDefinitionCreationFlag
    wanted = 0
    if strong and hasattr(flags, "STRONGLY_TYPED"):
        wanted |= 1 << int(flags.STRONGLY_TYPED)
    if major(trt) <= EXPLICIT_BATCH_UNTIL and hasattr(flags, "EXPLICIT_BATCH"):
        wanted |= 1 << int(flags.EXPLICIT_BATCH)
    return wanted


def _allow_precisions(trt: Any, builder: Any, config: Any) -> None:
    """Set the flags that weakly typed networks need, where the GPU has the hardware."""
    if major(trt) > FLAGS_UNTIL:
        return
    if getattr(builder, "platform_has_fast_fp16", False):
        config.set_flag(trt.BuilderFlag.FP16)
    if getattr(builder, "platform_has_fast_int8", False):
        config.set_flag(trt.BuilderFlag.INT8)
    else:
        log.warning("this GPU has no int8 hardware: the engine runs in fp16 or float32")


def _first_error(parser: Any) -> str:
    errors: Sequence[Any] = [parser.get_error(at) for at in range(parser.num_errors)]
    if not errors:
        return "it gives no reason"
    name = getattr(errors[0], "node_name", lambda: "")()
    return f"{errors[0].desc()}" + (f" (node {name})" if name else "")


class _Logger:
    """Bring TensorRT's log into ours, and remember its last error."""

    def __init__(self, trt: Any) -> None:
        owner = self
        self.last_error = "it gives no reason"

        class Target(trt.ILogger):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, message: str) -> None:
                owner.take(severity, message, trt.ILogger)

        self.target = Target()

    def take(self, severity: Any, message: str, levels: Any) -> None:
        """Log one of TensorRT's lines."""
        if severity in (levels.INTERNAL_ERROR, levels.ERROR):
            self.last_error = message
            log.warning("TensorRT: %s", message)
        else:
            log.debug("TensorRT: %s", message)
