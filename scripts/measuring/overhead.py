"""What edgecls adds to the bare interpreter: the same files, models and process, in turn."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgecls.bundle.images import read_image
from edgecls.bundle.manifest import InputRule, Variant
from edgecls.bundle.open import Bundle, open_bundle
from edgecls.classifier import Classifier
from scripts.measuring.accuracy import DATA
from scripts.measuring.photographs import write_photographs
from scripts.measuring.runnable import runnable_variants
from scripts.measuring.section import Section, table

WARM_UP = 3
PAIRS = 400


def measure() -> Section:
    """Time file to scores on both sides, one image each in turn, and compare the medians."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sets = {"photographs of 300 to 512 lines": write_photographs(Path(folder))}
        small = sorted((DATA / "person" / "test").rglob("*.jpg"))[::27]
        if small:
            sets["224x224 photographs"] = small
        bundle = open_bundle()
        for variant in runnable_variants(bundle):
            rows += [
                [variant.name, name, *_compared(bundle, variant, paths)]
                for name, paths in sets.items()
            ]
    text = table(
        [
            "variant",
            "images",
            "bare, p50",
            "edgecls, p50",
            "ratio of p50 (aim: at most 1.10)",
            "median of the pairs' ratios",
        ],
        rows,
    )
    return Section(
        "What edgecls adds to the interpreter",
        f"{PAIRS} pairs for each row, one thread, warm, taken in turn in one process. Bare: "
        "`cv2.imread` to RGB, `cv2.resize`, one numpy operation to the input's type, the "
        "interpreter itself. edgecls: what `edgecls classify` does for each file, checks and "
        f"scores included.\n\n{text}",
    )


def _compared(bundle: Bundle, variant: Variant, paths: Sequence[Path]) -> list[str]:
    bare_ms, ours_ms = [], []
    model = bundle.artefact(variant)
    bare = BARE[variant.runtime](model, bundle.manifest.input)
    with Classifier(bundle, variant=variant.name) as classifier:

        def ours(path: Path) -> None:
            classifier.classify(read_image(path))

        for turn in range(-WARM_UP * len(paths), PAIRS):
            path = paths[turn % len(paths)]
            both = [(bare, bare_ms), (ours, ours_ms)]
            for run, times in both if turn % 2 else both[::-1]:
                start = time.perf_counter_ns()
                run(path)
                if turn >= 0:
                    times.append((time.perf_counter_ns() - start) / 1e6)
    bare_p50, ours_p50 = statistics.median(bare_ms), statistics.median(ours_ms)
    pairs = statistics.median(a / b for a, b in zip(ours_ms, bare_ms, strict=True))
    return [
        f"{bare_p50:.2f} ms",
        f"{ours_p50:.2f} ms",
        f"{ours_p50 / bare_p50:.3f}",
        f"{pairs:.3f}",
    ]


def _tensor(path: Path, rule: InputRule, dtype: Any) -> np.ndarray:
    """Do the least that feeds the model: no check, no letterbox, one operation on the pixels."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    sized = cv2.resize(pixels, (rule.width, rule.height), interpolation=cv2.INTER_AREA)
    if dtype == np.int8:
        return np.bitwise_xor(sized, 128).view(np.int8)[np.newaxis]  # pixel - 128
    if dtype == np.uint8:
        return sized[np.newaxis]
    return np.multiply(sized, 1 / rule.std[0], dtype=np.float32)[np.newaxis]


def _bare_tflite(model: bytes, rule: InputRule) -> Callable[[Path], None]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(path: Path) -> None:
        interpreter.set_tensor(source["index"], _tensor(path, rule, source["dtype"]))
        interpreter.invoke()
        interpreter.get_tensor(result["index"])

    return run


def _bare_onnx(model: bytes, rule: InputRule) -> Callable[[Path], None]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    dtype = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8}
    first = source.shape[1] == 3

    def run(path: Path) -> None:
        tensor = _tensor(path, rule, dtype[source.type])
        if first:
            tensor = np.ascontiguousarray(tensor.transpose(0, 3, 1, 2))
        session.run(None, {source.name: tensor})

    return run


BARE = {"tflite": _bare_tflite, "onnx": _bare_onnx}
