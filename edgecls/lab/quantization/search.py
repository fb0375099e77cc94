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
from edgecls.lab.quantization.artefacts import Sources
from edgecls.lab.quantization.calibration_set import CalibrationSet, Selected
from edgecls.lab.quantization.manifest import manifest_from_artefacts
from edgecls.lab.quantization.pipeline import calibrated, sources
from edgecls.lab.quantization.ranges import METHODS
from edgecls.lab.quantization.recording import Recording
from edgecls.measure.dataset import Dataset
from edgecls.measure.difference import Difference, difference
from edgecls.measure.evaluate import told_label
from edgecls.measure.scores import score_table
from edgecls.runtimes import RUNTIMES


@dataclass(frozen=True, slots=True)
class Graph:
    """How the float graph is treated before it is quantized.

    Args:    bias: correct what rounding shifts.   adaround: learn which weights to round up.
    """

    steps: tuple[str, ...] = ("fold",)
    bias: bool = False
    adaround: bool = False

    @property
    def words(self) -> str:
        bias, adaround = self.bias * ("bias",), self.adaround * ("adaround",)
        return "+".join((*self.steps, *adaround, *bias)) or "as it is"


EQUALIZED = ("fold", "relu", "equalize")
GRAPHS = (
    Graph(),
    Graph(bias=True),
    Graph(adaround=True),
    Graph(bias=True, adaround=True),
    Graph(("fold", "clip"), bias=True),
    Graph(EQUALIZED),
    Graph(EQUALIZED, bias=True),
)
AS_IT_IS = (Graph(()),)
"""For a model that came as ONNX or SavedModel."""
NAIVE = ("minmax", "per_tensor")
"""Tried once, to show what the rest is good for; never kept."""
MEASURED = ("tflite-int8", "onnx-int8", "tensorrt-int8")
BY_ONNX_RUNTIME = {**RUNTIMES, "tensorrt": RUNTIMES["onnx"]}
"""A workstation has no engine; ONNX Runtime tells what the file for it means."""
REFERENCES = ("tflite-float32", "onnx-float32")


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to quantize, and what it costs against float on the tuning images, per variant."""

    graph: Graph
    method: str
    weights: str
    differences: tuple[Difference, ...]

    @property
    def drop_pp(self) -> float:
        """Return what the worst variant loses, in percentage points of accuracy."""
        return max(round(-100 * item.accuracy.value, 9) for item in self.differences)

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
    """Try every graph of GRAPHS with every method of METHODS, and the naive way once.

    The best is the one with the smallest score difference among those that stay inside the budget:
    on a few hundred images accuracies tie, and a difference of scores tells more.

    Args:    tuning: neither calibrated on nor the split that results are reported on.
             told: is given a line per calibration pass.
    Raises:  CalibrationError when none stays inside the budget, with the best there was.
    """
    trials: list[tuple[Trial, Recording]] = []
    graphs = GRAPHS if model.suffix == ".keras" else AS_IT_IS
    for graph in graphs:
        told(f"calibrating the graph: {graph.words}")
        recording = calibrated(
            model, wanted, selected, graph.steps, bias=graph.bias, adaround=graph.adaround
        )
        made_from = sources(model, recording)
        ways = [(method, "per_channel") for method in METHODS]
        for method, weights in [NAIVE, *ways] if graph is graphs[0] else ways:
            differences = _measured(model, wanted, made_from, method, weights, tuning)
            trials.append((Trial(graph, method, weights, differences), recording))
    trials.sort(key=lambda pair: _rank(pair[0], max_drop_pp))
    best, recording = trials[0]
    if best.drop_pp > max_drop_pp:
        raise CalibrationError(
            f"no way to quantize loses at most {max_drop_pp:g} pp on {tuning.name}: the best "
            f"loses {best.drop_pp:.2f} pp of {len(tuning.samples)} images",
            hint="allow more with --max-drop-pp, or fine-tune with quantization in the recipe",
        )
    return Found(tuple(trial for trial, _ in trials), recording)


def _rank(trial: Trial, max_drop_pp: float) -> tuple[bool, bool, float]:
    return trial.weights == NAIVE[1], trial.drop_pp > max_drop_pp, trial.score_error


def _measured(
    model: Path,
    wanted: CalibrationSet,
    made_from: Sources,
    method: str,
    weights: str,
    tuning: Dataset,
) -> tuple[Difference, ...]:
    """Quantize, run every variant that is measured over the tuning images, compare with float."""
    made = made_from.artefacts(["float32", "static_wi8_ai8"], method, weights=weights)
    made = [item for item in made if item.name in (*MEASURED, *REFERENCES)]
    described = manifest_from_artefacts(
        made, wanted, made_from.recording, name="trial", version="1", model=model, method=method,
        weights=weights,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        out = Path(folder, "trial")
        write_bundle(described, {item.name + item.suffix: item.data for item in made}, out)
        bundle = open_bundle(out)
        names = [item.name for item in made]
        reference = next(name for name in REFERENCES if name in names)
        quantized = [name for name in names if name in MEASURED]
        classify = {
            name: stack.enter_context(
                Classifier(bundle, variant=name, runtimes=BY_ONNX_RUNTIME)
            ).classify
            for name in (reference, *quantized)
        }
        table = score_table(described, classify, tuning.samples)
        label = told_label(described)
        return tuple(difference(table, reference, name, told=label) for name in quantized)


def table_rows(trials: Sequence[Trial]) -> list[tuple[str, ...]]:
    """Return the trials as text, best first, below a row of headings."""
    names = [item.variant for item in trials[0].differences]
    rows = [
        ("graph", "ranges", "weights", *(f"{name}: accuracy, score difference" for name in names))
    ]
    for trial in trials:
        cells = [
            f"{100 * item.accuracy.value:+.2f} pp [{100 * item.accuracy.low:+.2f}, "
            f"{100 * item.accuracy.high:+.2f}] {item.score_mean.value:.4f}"
            for item in trial.differences
        ]
        rows.append((trial.graph.words, trial.method, trial.weights, *cells))
    return rows
