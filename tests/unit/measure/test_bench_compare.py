"""Two benchmark files: a real change is told, noise is not, and what differs is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecls.errors import ConfigError
from edgecls.measure.bench_compare import compare_files


def _file(
    path: Path, p50_ms: float, *, seed: int, rounds: int = 5, warnings: tuple[str, ...] = ()
) -> Path:
    """Write a benchmark whose processes differ by 1 % and whose blocks differ by 2 %."""
    random = np.random.default_rng(seed)
    data: dict[str, Any] = {
        "device": {"board": "a board", "kernel": path.stem},
        "images": "16 images of door",
        "configurations": [
            {
                "name": "tflite-int8",
                "threads": 1,
                "latency": {"p50_ms": p50_ms},
                "rounds": [
                    {"block_p50_ms": (centre * random.normal(1, 0.02, 20)).tolist()}
                    for centre in p50_ms * random.normal(1, 0.01, rounds)
                ],
                "warnings": list(warnings),
            }
        ],
    }
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("second_ms", "verdict"),
    [
        (1.003, "no difference can be told"),
        (1.2, "the second is slower"),
        (0.8, "the second is faster"),
    ],
)
def test_a_change_is_told_from_noise(tmp_path: Path, second_ms: float, verdict: str) -> None:
    first = _file(tmp_path / "a.json", 1.0, seed=1)
    found = compare_files(first, _file(tmp_path / "b.json", second_ms, seed=2))
    (change,) = found.changes
    assert change.verdict.startswith(verdict)
    assert change.ratio.low <= second_ms <= change.ratio.high
    assert found.exit_code == 0


def test_what_else_differs_and_what_is_doubtful_is_said(tmp_path: Path) -> None:
    held = "the clock was held down during the measurement: under-voltage"
    found = compare_files(
        _file(tmp_path / "a.json", 1.0, seed=1),
        _file(tmp_path / "b.json", 1.0, seed=2, warnings=(held,)),
    )
    assert found.notes == (
        "kernel differs: a and b",
        f"the second, tflite-int8, threads 1: {held}",
    )


def test_one_process_says_nothing_of_others(tmp_path: Path) -> None:
    first = _file(tmp_path / "a.json", 1.0, seed=1)
    with pytest.raises(ConfigError, match="has one round, expected at least 2"):
        compare_files(first, _file(tmp_path / "b.json", 1.0, seed=2, rounds=1))


@pytest.mark.parametrize("times", [[], [0.0, 1.0], [float("inf")]])
def test_times_that_nobody_measured_are_refused(tmp_path: Path, times: list[float]) -> None:
    first, second = (_file(tmp_path / name, 1.0, seed=1) for name in ("a.json", "b.json"))
    data = json.loads(second.read_text())
    data["configurations"][0]["rounds"][1]["block_p50_ms"] = times
    second.write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="expected times above 0 in every round"):
        compare_files(first, second)
