"""Run an exported file on normalised images, to compare it with the network it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from ai_edge_litert.interpreter import Interpreter

from edgecls.bundle.preprocess import quantized
from edgecls.bundle.scores import dequantized
from edgecls.types import TensorSpec

Floats = npt.NDArray[np.float32]


def logits_from_tflite(model: bytes, images: Floats, *, threads: int = 1) -> Floats:
    """Return float32 logits (n, classes) for images (n, H, W, 3); int8 files get and give int8."""
    interpreter = Interpreter(model_content=model, num_threads=threads)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for image in images:
        interpreter.set_tensor(into["index"], quantized(image[None], _spec(into)))
        interpreter.invoke()
        rows.append(dequantized(interpreter.get_tensor(out["index"]), _spec(out))[0])
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


def _spec(detail: dict[str, Any]) -> TensorSpec:
    """Read LiteRT's description of a tensor."""
    dtype = np.dtype(detail["dtype"]).name
    scale, zero_point = detail["quantization"]
    shape = tuple(int(side) for side in detail["shape"])
    if dtype == "float32":
        return TensorSpec(detail["name"], shape, dtype)
    return TensorSpec(detail["name"], shape, dtype, float(scale), int(zero_point))
