"""Training code is Keras alone: the same recipe runs on another back end."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.lab.conftest import MakeFolder

pytest.importorskip("keras", reason="the lab extra is not installed")

RECIPE = """
name = "backend"
[data]
[input]
size_px = 32
[architecture]
name = "resnet8"
[training]
batch = 8
[[phases]]
name = "all"
batch_norm = "adapt"
epochs = 6
rate = 1e-3
ema = 0.9
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_recipe_trains(backend: str, make_folder: MakeFolder, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    folder = make_folder(count=24, size_px=32)
    out = tmp_path / "run"
    command = [
        *(sys.executable, "-W", "ignore", "-m", "edgecls", "train", str(recipe)),
        *("--data", str(folder), "--out", str(out), "--json"),
    ]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["results"]["val"]["accuracy"]["value"] >= 0.9
    assert json.loads((out / "environment.json").read_text())["backend"] == backend
