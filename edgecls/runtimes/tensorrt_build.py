"""Compile an ONNX model into a TensorRT engine; what differs from version 8.5 to 11 is here."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from edgecls.errors import InferenceError, MissingDependencyError
from edgecls.runtimes.checks import CREATE_HINT
from edgecls.runtimes.tensorrt_progress import BuildProgress, Told

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
    told: Told | None = None,
) -> tuple[bytes, bytes]:
    """Parse and build for one image. Blocks for minutes on a Jetson.

    A Q/DQ model runs in int8; up to TensorRT 10 that takes the INT8 flag beside the Q/DQ nodes, and
    the layers between them may run in fp16, as all of a float model may. From 11 on types are the
    graph's.

    Args:    model: ONNX with fixed sizes; a batch of any size becomes 1.
             timing_cache: of an earlier build, b"" for none.
             strongly_typed: None decides by version.   told: hears how far it is.
    Returns: the serialized engine and the timing cache after the build.
    Raises:  InferenceError when the model cannot be parsed (node named) or built.
             MissingDependencyError for a Q/DQ model on a GPU without int8 hardware.
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
    _fix_batch(network)
    config = builder.create_builder_config()
    if hasattr(trt, "MemoryPoolType"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    if hasattr(trt, "ProfilingVerbosity"):  # for `edgecls engine inspect`; costs no time
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if not strong:
        _allow_precisions(trt, builder, network, config)
    cache = None
    if hasattr(config, "create_timing_cache"):
        cache = config.create_timing_cache(timing_cache)
        config.set_timing_cache(cache, False)
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(BuildProgress(told)) if told else None
        monitor = progress.monitor(trt) if progress else None
        if monitor is not None:
            config.progress_monitor = monitor
        engine = builder.build_serialized_network(network, config)
    if engine is None and progress is not None and progress.interrupted:
        raise KeyboardInterrupt
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


def _fix_batch(network: Any) -> None:
    """Give an input with a batch of any size the batch 1."""
    for place in range(network.num_inputs):
        put = network.get_input(place)
        shape = tuple(int(side) for side in put.shape)
        if any(side < 0 for side in shape[1:]):
            raise InferenceError(
                f"tensor {put.name!r} has the changing shape {shape}, expected fixed sizes",
                hint=CREATE_HINT,
            )
        if shape and shape[0] < 0:
            put.shape = (1, *shape[1:])


def _allow_precisions(trt: Any, builder: Any, network: Any, config: Any) -> None:
    """Set the flags that weakly typed networks need, where the GPU has the hardware."""
    if major(trt) > FLAGS_UNTIL:
        return
    half = bool(getattr(builder, "platform_has_fast_fp16", False))
    if half:
        config.set_flag(trt.BuilderFlag.FP16)
    if getattr(builder, "platform_has_fast_int8", False):
        config.set_flag(trt.BuilderFlag.INT8)
        return
    if _quantized(trt, network):
        raise MissingDependencyError(
            "this GPU has no int8 hardware, and the model is quantized",
            hint="take the float variant for tensorrt, or one for another runtime",
        )
    log.warning("this GPU has no int8 hardware: the engine is %s", "fp16" if half else "float32")


def _quantized(trt: Any, network: Any) -> bool:
    kinds = (network.get_layer(place).type for place in range(network.num_layers))
    return trt.LayerType.QUANTIZE in kinds


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
