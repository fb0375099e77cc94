"""The device's install: the wheel holds what it should, and runs alone in a fresh environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from edgecls import __version__

WHEEL_BYTES_MAX = 33_000_000
EXPECTED = re.compile(
    r"""edgecls/(
        ([a-z_0-9]+/)*[a-z_0-9]+\.py | py\.typed
        | measure/report/style\.css
        | firmware_configs/([a-z_-]+/)*[a-z0-9@_.-]+
        | store/schema/[0-9]{4}_[a-z_0-9]+\.sql
        | web/(templates|static)/[a-z_0-9-]+\.(html|css|js|svg|png)
        | models/[a-z0-9_.-]+/(manifest\.json | MODEL_CARD\.md | [A-Za-z0-9_.-]+\.(tflite|onnx))
    )
    | edgecls-[^/]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)""",
    re.VERBOSE,
)
NEVER_ON_A_DEVICE = (
    "tensorflow",
    "keras",
    "onnx",
    "onnxruntime",
    "tf2onnx",
    "skimage",
    "matplotlib",
)


def _run(*command: str | Path, cwd: Path) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, "."]
    _run(*build, cwd=repository)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_what_a_device_needs_and_nothing_else(
    wheel: Path, repository: Path
) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert sorted(name for name in names if not EXPECTED.fullmatch(name)) == []
    source = repository / "edgecls"
    code = {str(p.relative_to(repository)) for p in source.rglob("*.py")}
    assert code <= names
    assert {"edgecls/py.typed", f"edgecls-{__version__}.dist-info/entry_points.txt"} <= names
    assert any(name.startswith("edgecls/models/") and name.endswith(".tflite") for name in names)
    assert "edgecls/firmware_configs/raspberry-pi-4.toml" in names
    assert any(name.startswith("edgecls/store/schema/") for name in names)
    assert any(name.startswith("edgecls/web/templates/") for name in names)


def test_the_wheel_is_small_enough_for_a_card(wheel: Path) -> None:
    assert wheel.stat().st_size < WHEEL_BYTES_MAX


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_bare_wheel_runs_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    photographs = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite(str(tmp_path / "visitor.png"), photographs.astronaut()[..., ::-1])
    folder = tmp_path / "device"
    venv.create(folder, with_pip=True)
    python, edgecls = folder / "bin" / "python", folder / "bin" / "edgecls"
    _run(python, "-m", "pip", "install", "--disable-pip-version-check", "-q", wheel, cwd=tmp_path)

    assert _run(edgecls, "--version", cwd=tmp_path) == f"edgecls {__version__}\n"
    answer = json.loads(_run(edgecls, "classify", "visitor.png", "--json", cwd=tmp_path))
    assert answer["schema"] == 1
    assert [row["label"] for row in answer["results"]] == ["person"]
    for library in NEVER_ON_A_DEVICE:
        look = f"import importlib.util as u; print(u.find_spec({library!r}))"
        assert _run(python, "-c", look, cwd=tmp_path) == "None\n", library
