"""Every command that the documents show is run, page by page, in the order a reader meets them.

What stands in for a reader's own things: `photo.jpg`, the folder `photos`, `model.tflite` (the file
that ships, as if it came from elsewhere). A daemon gets `--once --port 0`, so that it ends; the
address of a camera is replaced by the folder of photographs. Nothing else is changed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_ELSEWHERE = {
    "scripts/run": "tests/e2e/test_scripts.py",
    "scripts/run --once": "tests/e2e/test_scripts.py",
    "python3 -m venv ~/edgecls-env": "tests/e2e/test_install.py",
    '~/edgecls-env/bin/pip install ".[demo]"': "tests/e2e/test_install.py",
    "edgecls wheelhouse raspberry-pi-5": "tests/e2e/test_wheelhouses.py",
    "edgecls flash raspberry-pi-5 --image raspios-lite.img.xz -c doorbell.toml --out card.img"
    "     --hostname front-door": "tests/unit/cli/test_flash_verb.py",
}
PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "rocket")


def commands(page: Path) -> list[str]:
    """Return the commands of a page: lines of console blocks that begin with "$ "."""
    lines = "".join(BLOCK.findall(page.read_text("utf-8"))).replace("\\\n", "").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def as_run(command: str) -> str:
    """Return the command with the stand-ins of this file's docstring."""
    if re.match(r"edgecls (run|demo)\b", command) and "--help" not in command:
        command = re.sub(r"--camera (rtsp|https?)://\S+", "--camera photos", command)
        if " -c " in command:
            command += " --camera photos"
        command += "" if "--once" in command else " --once"
        command += "" if "--port" in command else " --port 0"
    return command


@pytest.fixture(scope="module")
def readers_things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    cv2 = pytest.importorskip("cv2")
    folder = tmp_path_factory.mktemp("reader")
    (folder / "photos").mkdir()
    for number, name in enumerate(PHOTOGRAPHS):
        pixels = getattr(data, name)()
        pixels = pixels if pixels.ndim == 2 else pixels[..., ::-1]
        cv2.imwrite(str(folder / "photos" / f"{number}-{name}.jpg"), pixels)
    shutil.copy(folder / "photos" / "0-astronaut.jpg", folder / "photo.jpg")
    model = next((ROOT / "edgecls" / "models").glob("*/*int8*.tflite"))
    shutil.copy(model, folder / "model.tflite")
    return folder


@pytest.mark.parametrize(
    "page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem
)
@pytest.mark.timeout(300)
def test_the_commands_that_a_page_shows_work(
    page: Path, readers_things: Path, shell_environment: Mapping[str, str], tmp_path: Path
) -> None:
    folder = shutil.copytree(readers_things, tmp_path / "reader")
    for command in commands(page):
        if command in RUN_ELSEWHERE:
            assert (ROOT / RUN_ELSEWHERE[command]).exists()
            continue
        done = subprocess.run(
            ["bash", "-euc", as_run(command)],
            cwd=folder,
            env=dict(shell_environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, f"$ {command}\n{done.stderr}"


def test_the_readme_shows_the_tour() -> None:
    shown = commands(ROOT / "README.md")
    for needed in ("scripts/run", "edgecls demo", "edgecls classify", "edgecls run --camera rtsp:"):
        assert any(command.startswith(needed) for command in shown), needed
    assert any(command.startswith("edgecls bundle create") for command in shown)
