"""A training run is killed in the middle; resumed, it ends where an unbroken one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="the lab extra is not installed")

RECIPE = """
name = "killed"
[data]
root = "images"
[input]
size_px = 16
[architecture]
name = "tiny_network:tiny"
[augmentation]
crop = 0.5
noise = 0.5
mixup = 0.2
[training]
batch = 8
[[phases]]
name = "first"
epochs = 3
rate = 0.01
ema = 0.9
[[phases]]
name = "second"
epochs = 3
rate = 0.01
schedule = "plateau"
plateau_epochs = 1
optimizer = "sgd"
[[phases]]
name = "int8"
epochs = 1
rate = 0.001
fake_quant = true
"""
TIME_LIMIT_S = 300


def _images(root: Path) -> None:
    rng = np.random.default_rng(3)
    for split in ("train", "val"):
        for label in ("a", "b"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(16):
                coarse = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
                cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (20, 20)))


def _start(tmp_path: Path, repository: Path, out: str, *more: str) -> subprocess.Popen[str]:
    paths = [str(repository), str(repository / "tests" / "unit" / "lab")]
    return subprocess.Popen(
        [sys.executable, "-c", "from edgecls.cli.main import main; main()", "train",
         str(tmp_path / "killed.toml"), "--out", str(tmp_path / out), *more],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "CUDA_VISIBLE_DEVICES": "-1"},
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _finish(process: subprocess.Popen[str]) -> str:
    _, said = process.communicate(timeout=TIME_LIMIT_S)
    assert process.returncode == 0, said
    return said


def _arrays(file: Path) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    with np.load(file) as content:
        return {name: content[name] for name in content.files if name != "meta"}


@pytest.mark.slow
@pytest.mark.timeout(4 * TIME_LIMIT_S)
@pytest.mark.parametrize("moment", ["first 2/3", "first 3/3", "second 1/3"])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, repository: Path, moment: str
) -> None:
    (tmp_path / "killed.toml").write_text(RECIPE)
    _images(tmp_path / "images")
    _finish(_start(tmp_path, repository, "unbroken"))

    broken = _start(tmp_path, repository, "broken")
    assert broken.stderr is not None
    for line in broken.stderr:
        if moment in line:
            broken.send_signal(signal.SIGKILL)
            break
    broken.communicate(timeout=TIME_LIMIT_S)
    assert broken.returncode == -signal.SIGKILL
    assert not (tmp_path / "broken" / "report.json").exists()

    _finish(_start(tmp_path, repository, "broken", "--resume"))
    whole = _arrays(tmp_path / "unbroken" / "checkpoint.npz")
    mended = _arrays(tmp_path / "broken" / "checkpoint.npz")
    assert whole.keys() == mended.keys()
    for name, values in whole.items():
        # one machine, one thread order: equal to the bit, but for sums a scheduler may reorder
        assert np.allclose(values, mended[name], rtol=1e-5, atol=1e-6), name
