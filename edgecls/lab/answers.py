"""Run an exported file on normalised images, to compare it with the network it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from ai_edge_litert.interpreter import Interpreter

Floats = npt.NDArray[np.float32]


def logits_from_tflite(model: bytes, images: Floats, *, threads: int = 1) -> Floats:
    """Return float32 logits (n, classes) for images (n, H, W, 3); int8 files get and give int8."""
    interpreter = Interpreter(model_content=model, num_threads=threads)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for image in images:
        interpreter.set_tensor(into["index"], _quantized(image[None], into))
        interpreter.invoke()
        rows.append(_real(interpreter.get_tensor(out["index"]), out)[0])
    return np.stack(rows)


def logits_from_onnx(model: bytes, images: Floats, *, threads: int = 1) -> Floats:
    """Return float32 logits (n, classes) for images (n, H, W, 3), turned if the file asks."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    into = session.get_inputs()[0]
    first = into.shape[1] == images.shape[-1]
    rows = []
    for image in images:
        feed = np.ascontiguousarray(image.transpose(2, 0, 1) if first else image)[None]
        rows.append(session.run(None, {into.name: feed})[0][0])
    return np.stack(rows)


def _quantized(values: Floats, detail: dict[str, Any]) -> npt.NDArray[Any]:
    if detail["dtype"] is np.float32:
        return values
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    rounded = np.rint(values / np.float32(scale)) + zero_point
    clipped: npt.NDArray[Any] = np.clip(rounded, limits.min, limits.max).astype(detail["dtype"])
    return clipped


def _real(values: npt.NDArray[Any], detail: dict[str, Any]) -> Floats:
    if detail["dtype"] is np.float32:
        return np.asarray(values, dtype=np.float32)
    scale, zero_point = detail["quantization"]
    real = np.float32(scale) * (values.astype(np.float32) - np.float32(zero_point))
    return np.asarray(real, dtype=np.float32)
