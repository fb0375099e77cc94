"""A person model run as its own README says, with no code of ours: what our figures must equal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

SIDE_PX = 96


def bare_calls(path: Path, images: Sequence[Path]) -> list[int]:
    """Return 1 for each image that MLPerf Tiny's model calls person: RGB / 255, 0.5 and above."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    put, take = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    called = []
    for image in images:
        rgb = cv2.cvtColor(cv2.imread(str(image)), cv2.COLOR_BGR2RGB)
        small = cv2.resize(rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        real = small.astype(np.float32) / 255
        if put["dtype"] == np.int8:
            scale, zero = put["quantization"]
            real = np.clip(np.round(real / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(put["index"], real[np.newaxis].astype(put["dtype"]))
        interpreter.invoke()
        output = interpreter.get_tensor(take["index"])[0].astype(np.float32)
        if take["dtype"] == np.int8:
            scale, zero = take["quantization"]
            output = scale * (output - zero)
        called.append(int(output[1] >= 0.5))
    return called
