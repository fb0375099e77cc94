"""Ratios of times: real changes are seen, noise is not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgecls.errors import ConfigError
from edgecls.measure.bench_compare import compare_files
from edgecls.measure.ratio import Rounds, ratio_of_pairs, ratio_of_rounds


def _rounds(random: np.random.Generator, centre: float = 1.0, count: int = 5) -> Rounds:
    """Return blocks that scatter by 2 % inside processes that scatter by 3 %."""
    return [
        centre * random.lognormal(0, 0.03) * random.lognormal(0, 0.02, 20) for _ in range(count)
    ]


def test_noise_is_rarely_taken_for_a_change() -> None:
    random = np.random.default_rng(1)
    wrong = sum(ratio_of_rounds(_rounds(random), _rounds(random)).differs for _ in range(60))
    # 5 % of 60 are 3; more than 8 would happen once in 200 times
    assert wrong <= 8


def test_a_change_of_a_fifth_is_seen() -> None:
    random = np.random.default_rng(2)
    found = ratio_of_rounds(_rounds(random), _rounds(random, 1.2))
    assert found.differs
    assert found.low < 1.2 < found.high
    assert found.value == pytest.approx(1.2, abs=0.06)


def test_pairs_cancel_what_disturbs_both() -> None:
    random = np.random.default_rng(3)
    first = _rounds(random)
    second = [1.01 * blocks * random.lognormal(0, 0.001, len(blocks)) for blocks in first]
    paired = ratio_of_pairs(first, second)
    assert paired.differs
    assert paired.value == pytest.approx(1.01, abs=0.001)
    assert paired.high - paired.low < 0.005
    with pytest.raises(ValueError, match="two rounds"):
        ratio_of_pairs(first[:1], second[:1])


def _file(path: Path, centre: float, seed: int, **changes: object) -> Path:
    random = np.random.default_rng(seed)
    item = {
        "name": "int8",
        "threads": 1,
        "latency": {"p50_ms": centre},
        "rounds": [{"block_p50_ms": blocks.tolist()} for blocks in _rounds(random, centre)],
        "warnings": [],
    }
    data = {"device": {"cpu": "A"}, "images": "made", "configurations": [{**item, **changes}]}
    path.write_text(json.dumps(data))
    return path


def test_two_files_are_compared_and_their_differences_told(tmp_path: Path) -> None:
    first = _file(tmp_path / "a.json", 2.0, 1)
    same = compare_files(first, _file(tmp_path / "b.json", 2.0, 2, warnings=["hot"]))
    assert same.changes[0].verdict == "no difference can be told"
    assert same.notes == ("the second, int8, threads 1: hot",)
    faster = compare_files(first, _file(tmp_path / "c.json", 1.0, 3))
    assert faster.changes[0].verdict.startswith("the second is faster: 0.")
    text = json.dumps(faster.as_json(), allow_nan=False)
    assert '"ci95"' in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "is no benchmark of edgecls"),
        ("not json", "is no benchmark of edgecls"),
        (None, "is no benchmark of edgecls"),
        (
            '{"configurations": [{"name": "x", "threads": 1, "rounds": [{"block_p50_ms": [1]}]}]}',
            "x has one round",
        ),
    ],
)
def test_a_file_that_is_none_is_one_clear_line(
    tmp_path: Path, content: str | None, message: str
) -> None:
    bad = tmp_path / "bad.json"
    if content is not None:
        bad.write_text(content)
    with pytest.raises(ConfigError, match=message):
        compare_files(_file(tmp_path / "a.json", 2.0, 1), bad)


def test_files_without_a_common_configuration_are_refused(tmp_path: Path) -> None:
    other = _file(tmp_path / "b.json", 2.0, 2, name="float32")
    with pytest.raises(ConfigError, match="no variant with the same threads in common"):
        compare_files(_file(tmp_path / "a.json", 2.0, 1), other)
