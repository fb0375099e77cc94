"""Training code is Keras alone: the same recipe runs on other back ends and on several devices."""

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

TWO_DEVICES = {
    "tensorflow": """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.list_physical_devices = lambda kind=None: [cpu, cpu] if kind == "GPU" else [cpu]
mirrored, strategies = tf.distribute.MirroredStrategy, []
def on_cpus(names):
    strategies.append(mirrored([name.replace("GPU", "CPU") for name in names]))
    return strategies[-1]
tf.distribute.MirroredStrategy = on_cpus
replicas = lambda: strategies[0].num_replicas_in_sync
""",
    "jax": """
import keras
found, parallel, sizes = keras.distribution.list_devices, keras.distribution.DataParallel, []
keras.distribution.list_devices = lambda kind=None: found("cpu")
def on_cpus(devices):
    made = parallel(devices=devices)
    sizes.append(made.device_mesh.devices.size)
    return made
keras.distribution.DataParallel = on_cpus
replicas = lambda: sizes[0]
""",
}
"""Two logical devices of the processor stand in for GPUs; the strategies are the real ones."""
DRIVER = """
import pathlib, sys
from edgecls.cli.main import run
code = run(sys.argv[2:])
pathlib.Path(sys.argv[1]).write_text(str(replicas()))
sys.exit(code)
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


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", sorted(TWO_DEVICES))
def test_a_recipe_trains_on_two_devices(
    backend: str, make_folder: MakeFolder, tmp_path: Path
) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    recipe, told = tmp_path / "recipe.toml", tmp_path / "replicas"
    recipe.write_text(RECIPE)
    folder = make_folder(count=24, size_px=32)
    command = [
        *(sys.executable, "-W", "ignore", "-c", TWO_DEVICES[backend] + DRIVER, str(told)),
        *("train", str(recipe), "--data", str(folder), "--out", str(tmp_path / "run")),
        *("--json", "--set", "training.gpus=2"),
    ]
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    assert told.read_text() == "2"
    assert json.loads(done.stdout)["results"]["val"]["accuracy"]["value"] >= 0.9
