"""Try the ways to quantize that make sense, measure each on a tuning split, keep the best."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecls.bundle.open import open_bundle
from edgecls.bundle.write import write_bundle
from edgecls.classifier import Classifier
from edgecls.errors import CalibrationError
from edgecls.lab.quantization.calibration_set import CalibrationSet, Selected
from edgecls.lab.quantization.manifest import manifest_from_artefacts
from edgecls.lab.quantization.pipeline import artefacts, calibrated
from edgecls.lab.quantization.ranges import METHODS
from edgecls.lab.quantization.recording import Recording
from edgecls.measure.dataset import Dataset
from edgecls.measure.difference import Difference, difference
from edgecls.measure.evaluate import told_label
from edgecls.measure.scores import score_table

GRAPHS: tuple[tuple[tuple[str, ...], bool], ...] = (
    (("fold",), False),
    (("fold",), True),
    (("fold", "relu", "equalize"), False),
    (("fold", "relu", "equalize"), True),
)
"""Improvements of the float graph, and whether biases are corrected."""
MEASURED = ("tflite-int8", "onnx-int8")
REFERENCES = ("tflite-float32", "onnx-float32")


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to quantize, and what it costs against float on the tuning images, per variant."""

    steps: tuple[str, ...]
    bias: bool
    method: str
    differences: tuple[Difference, ...]

    @property
    def drop_pp(self) -> float:
        """Return what the worst variant loses, in percentage points of accuracy."""
        return max(-100 * item.accuracy.value for item in self.differences)

    @property
    def score_error(self) -> float:
        """Return the worst variant's mean absolute difference of the scores."""
        return max(item.score_mean.value for item in self.differences)


@dataclass(frozen=True, slots=True)
class Found:
    """The trials, best first, and the recording that the best one was made with."""

    trials: tuple[Trial, ...]
    recording: Recording


def search(
    model: Path,
    wanted: CalibrationSet,
    selected: Selected,
    tuning: Dataset,
    *,
    max_drop_pp: float,
    told: Callable[[str], None] = lambda _: None,
) -> Found:
    """Try every graph of GRAPHS with every method of METHODS.

    The best is the one with the smallest score difference among those that stay inside the budget:
    on a few hundred images accuracies tie, and a difference of scores tells more.

    Args:    tuning: neither calibrated on nor the split that results are reported on.
             told: is given a line per calibration pass.
    Raises:  CalibrationError when none stays inside the budget, with the best there was.
    """
    trials: list[tuple[Trial, Recording]] = []
    graphs = GRAPHS if model.suffix == ".keras" else (((), False),)
    for steps, bias in graphs:
        named = ", ".join([*steps, *(["bias correction"] if bias else [])]) or "as it is"
        told(f"calibrating the graph: {named}")
        recording = calibrated(model, wanted, selected, steps, bias=bias)
        for method in METHODS:
            differences = _measured(model, wanted, recording, method, tuning)
            trials.append((Trial(steps, bias, method, differences), recording))
    trials.sort(key=lambda pair: (pair[0].drop_pp > max_drop_pp, pair[0].score_error))
    best, recording = trials[0]
    if best.drop_pp > max_drop_pp:
        raise CalibrationError(
            f"no way to quantize loses at most {max_drop_pp:g} pp on {tuning.name}: the best "
            f"loses {best.drop_pp:.2f} pp of {len(tuning.samples)} images",
            hint="allow more with --max-drop-pp, or fine-tune with quantization in the recipe",
        )
    return Found(tuple(trial for trial, _ in trials), recording)


def _measured(
    model: Path, wanted: CalibrationSet, recording: Recording, method: str, tuning: Dataset
) -> tuple[Difference, ...]:
    """Quantize, run every variant that is measured over the tuning images, compare with float."""
    made = artefacts(model, recording, ["float32", "static_wi8_ai8"], method)
    made = [item for item in made if item.name in (*MEASURED, *REFERENCES)]
    described = manifest_from_artefacts(
        made, wanted, recording, name="trial", version="1", model=model, method=method
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        out = Path(folder, "trial")
        write_bundle(described, {item.name + item.suffix: item.data for item in made}, out)
        bundle = open_bundle(out)
        names = [item.name for item in made]
        reference = next(name for name in REFERENCES if name in names)
        quantized = [name for name in names if name in MEASURED]
        classify = {
            name: stack.enter_context(Classifier(bundle, variant=name)).classify
            for name in (reference, *quantized)
        }
        table = score_table(described, classify, tuning.samples)
        label = told_label(described)
        return tuple(difference(table, reference, name, told=label) for name in quantized)


def table_rows(trials: Sequence[Trial]) -> list[tuple[str, ...]]:
    """Return the trials as text, best first, below a row of headings."""
    names = [item.variant for item in trials[0].differences]
    rows = [("graph", "ranges", *(f"{name}: accuracy, score difference" for name in names))]
    for trial in trials:
        graph = "+".join([*trial.steps, *(["bias"] if trial.bias else [])]) or "as it is"
        cells = [
            f"{100 * item.accuracy.value:+.2f} pp [{100 * item.accuracy.low:+.2f}, "
            f"{100 * item.accuracy.high:+.2f}] {item.score_mean.value:.4f}"
            for item in trial.differences
        ]
        rows.append((graph, trial.method, *cells))
    return rows
