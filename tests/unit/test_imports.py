"""What importing loads: no workstation library on the device, and a light start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Never on a device's import path. A leaf may load its own library: the row names it.
BANNED = (
    "tensorflow",
    "keras",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "skimage",
    "matplotlib",
    "sklearn",
)
OWN_LIBRARY = {
    "edgecls.runtimes.onnx": "onnxruntime",
    "edgecls.runtimes.bare_onnx": "onnxruntime",
    "edgecls.runtimes.tap_onnx": "onnxruntime",
    "edgecls.cameras.demo": "skimage",
}
# A library that only some installations have: its leaf cannot be imported everywhere.
OPTIONAL_LEAVES = {
    **OWN_LIBRARY,
    "edgecls.runtimes.tensorrt": "tensorrt",
    "edgecls.triggers.button": "gpiozero",
}
WORKSTATION = ("edgecls.lab", "edgecls.deploy")

# Whoever first loads a banned library is named; it is forgotten again, so that the next one is too.
PROBE = """
import importlib, json, sys
banned, optional, modules = json.loads(sys.argv[1])
report = {}
for name in modules:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != optional.get(name):
            raise
        continue
    found = sorted({m.partition(".")[0] for m in sys.modules} & set(banned))
    for loaded in [m for m in sys.modules if m.partition(".")[0] in found]:
        del sys.modules[loaded]
    if found:
        report[name] = found
print(json.dumps(report))
"""


def _device_modules() -> list[str]:
    names = []
    for path in sorted((ROOT / "edgecls").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not name.startswith(WORKSTATION):
            names.append(name)
    return names


def _loaded_by(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_device_module_loads_a_workstation_library() -> None:
    leaves = [name for name in _device_modules() if name in OWN_LIBRARY]
    others = [name for name in _device_modules() if name not in OWN_LIBRARY]
    assert len(others) > 10
    report = {}
    for order in (others, others[::-1]):  # one way round may hide a cycle of imports
        report |= json.loads(_loaded_by(PROBE, json.dumps([BANNED, OPTIONAL_LEAVES, order])))
    for leaf in leaves:  # a process each: what one leaf loads must not hide in the next
        report |= json.loads(_loaded_by(PROBE, json.dumps([BANNED, OPTIONAL_LEAVES, [leaf]])))
    assert {name: found for name, found in report.items() if found != [OWN_LIBRARY.get(name)]} == {}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("edgecls", ["numpy", "cv2", "pydantic", "typer", "rich"]),
        ("edgecls.cli.main", ["numpy", "cv2", "pydantic", "av", "starlette", "uvicorn", "sqlite3"]),
    ],
)
def test_the_start_stays_light(module: str, unwanted: list[str]) -> None:
    code = f"import {module}, sys; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    assert not set(unwanted) & set(_loaded_by(code).split())


def test_importing_leaves_logging_and_the_environment_alone() -> None:
    code = (
        "import logging, os, warnings; before = dict(os.environ), list(warnings.filters); "
        "import edgecls.cli.main, edgecls.config, edgecls.plugins; "
        "assert not logging.getLogger().handlers; "
        "assert before == (dict(os.environ), list(warnings.filters)); print('same')"
    )
    assert _loaded_by(code) == "same\n"
