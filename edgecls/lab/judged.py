"""Let a bundle's network throw out the windows beside persons in which it sees somebody."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecls.bundle.open import open_bundle
from edgecls.classifier import Classifier
from edgecls.lab.beside import windows_beside
from edgecls.lab.data import DataError, Sample
from edgecls.lab.views import Window

PER_IMAGE = 3
CUT_PX = 224


def judged_windows(
    samples: list[Sample],
    pixels: npt.NDArray[np.uint8],
    bundle: Path,
    *,
    score_max: float,
    seed: int,
    cache: Path,
) -> dict[int, list[Window]]:
    """Draw windows that touch no box, and keep those that the bundle calls empty.

    Args:    pixels: squares of the samples, uint8 (n, S, S, 3).   score_max: of the person label.
             cache: folder in which the answer is kept.
    Returns: index of the sample -> its windows.
    Raises:  DataError for a bundle without a person label; BundleError for a damaged one.
    """
    opened = open_bundle(bundle)
    manifest = opened.manifest
    if "person" not in manifest.labels:
        raise DataError(
            f"data.judge: {bundle} has the labels {', '.join(manifest.labels)}, expected person"
        )
    facts = [manifest.name, manifest.version, score_max, seed, len(samples), pixels.shape[1]]
    facts += [str(variant.sha256) for variant in manifest.variants]
    key = hashlib.sha256(json.dumps([*facts, [str(s.path) for s in samples]]).encode()).hexdigest()
    file = cache / f"windows-{key[:16]}.npz"
    if not file.exists():
        boxes = {i: sample.boxes for i, sample in enumerate(samples) if len(sample.boxes)}
        with Classifier(opened) as classifier:

            def judge(squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
                scores = [classifier.classify(square).scores["person"] for square in squares]
                return np.asarray(np.array(scores) - score_max, np.float32)

            kept = windows_beside(
                pixels, boxes, judge, size_px=CUT_PX, per_image=PER_IMAGE, seed=seed
            )
        pairs = [(index, *window) for index, windows in kept.items() for window in windows]
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(file, windows=np.array(pairs, dtype=np.float64).reshape(-1, 5))
    found: dict[int, list[Window]] = {}
    with np.load(file) as stored:
        for index, x0, y0, x1, y1 in stored["windows"].tolist():
            found.setdefault(int(index), []).append((x0, y0, x1, y1))
    return found
