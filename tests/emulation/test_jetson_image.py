"""Dockerfile.jetson, built for arm64 on a Debian that stands in for NVIDIA's base, and run.

No GPU, no JetPack, no Docker: what is shown is that the steps of the file work, that the image is
what it says, and that edgecls runs in it. Times are those of an emulator.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgecls._lib import toml
from tests.arm64_root import arm64_tar, cache_folder, run_in_root, why_no_arm64

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

BASE = "localhost/stand-in"
IMAGE = "localhost/edgecls-jetson"
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
UNCHECKED_HASH = (1).to_bytes(4, "little")  # flags of a .pyc file, PEP 552
TENSORRT = '"""Stands in for the Python module that JetPack installs."""\n__version__ = "10.3.0"\n'


class Buildah:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self._prefix = [
            "buildah",
            *("--root", str(folder / "root"), "--runroot", str(folder / "run")),
            *("--storage-driver", "vfs"),
        ]

    def __call__(self, *words: str | Path, timeout_s: float = 300, check: bool = True) -> str:
        done = subprocess.run(
            [*self._prefix, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        said = f"{words}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        assert not check or done.returncode == 0, said
        return done.stdout if check else said

    def build(self, tag: str, file: Path, context: Path, *arguments: str) -> None:
        self(
            *("bud", "--isolation", "chroot", "--arch", "arm64", "--pull-never"),
            *("--format", "docker", "--layers=false", "-t", tag, "-f", file, *arguments, context),
            timeout_s=2400,
        )


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    if reason := why_no_arm64("buildah"):
        pytest.skip(reason)
    return Buildah(tmp_path_factory.mktemp("containers"))


@pytest.fixture(scope="module")
def built(buildah: Buildah, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the image on the stand-in and return its tag."""
    folder = tmp_path_factory.mktemp("image")
    base = folder / "base"
    base.mkdir()
    (base / "root.tar").hardlink_to(_beside(arm64_tar(), folder))
    (base / "tensorrt.py").write_text(TENSORRT)
    (base / "Dockerfile").write_text(
        "FROM scratch\nADD root.tar /\nCOPY tensorrt.py /usr/lib/python3/dist-packages/\n"
    )
    buildah.build(BASE, base / "Dockerfile", base)

    context = folder / "context"
    shutil.copytree(wheelhouse(repository), context / "wheelhouse")
    for name in ("edgecls", "firmware_configs"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository / name, context / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".dockerignore"):
        shutil.copy(repository / name, context)
    arguments = [f"--build-arg=BASE={BASE}", "--build-arg=PACKAGES=", "--build-arg=PIP_NO_INDEX=1"]
    buildah.build(IMAGE, repository / "Dockerfile.jetson", context, *arguments)
    return IMAGE


def _beside(tar: Path, folder: Path) -> Path:
    """Return `tar` on the file system of `folder`, for a link to it."""
    if tar.stat().st_dev == folder.stat().st_dev:
        return tar
    return Path(shutil.copy(tar, folder))


def wheelhouse(repository: Path) -> Path:
    """Return a folder with the arm64 wheels that edgecls and its building need; made once."""
    project = toml.read(repository / "pyproject.toml")
    wanted = sorted(
        [
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"]["demo"],
            *project["build-system"]["requires"],
        ]
    )
    key = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:12]
    folder = cache_folder() / f"wheels-aarch64-cp311-{key}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        platforms = [word for tag in PLATFORMS for word in ("--platform", f"{tag}_aarch64")]
        command = [sys.executable, "-m", "pip", "download", "-q", "--dest", str(part)]
        command += ["--only-binary=:all:", "--python-version", "3.11", *platforms, *wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode:
            pytest.skip(f"the wheels cannot be had: {done.stderr.strip().splitlines()[-1]}")
        part.rename(folder)
    return folder


@pytest.fixture
def container(buildah: Buildah, built: str) -> Iterator[str]:
    name = buildah("from", "--pull-never", built).strip()
    yield name
    buildah("rm", name)


def in_container(buildah: Buildah, container: str, *words: str, timeout_s: float = 600) -> str:
    return buildah("run", "--isolation", "chroot", container, "--", *words, timeout_s=timeout_s)


def test_the_image_says_what_the_file_promises(buildah: Buildah, built: str) -> None:
    config: dict[str, Any] = json.loads(buildah("inspect", "--type", "image", built))["Docker"]
    assert config["architecture"] == "arm64"
    config = config["config"]
    assert config["User"] == "edgecls"
    assert set(config["Volumes"]) == {"/var/lib/edgecls", "/var/cache/edgecls"}
    assert config["Entrypoint"] == ["/opt/edgecls/bin/edgecls"]
    assert config["Cmd"] == ["run", "-c", "/etc/edgecls/doorbell.toml"]
    assert "healthz" in config["Healthcheck"]["Test"][-1]
    assert "CACHE_DIRECTORY=/var/cache/edgecls" in config["Env"]


def test_edgecls_runs_in_it_as_nobody_special(buildah: Buildah, container: str) -> None:
    assert in_container(buildah, container, "id", "-un").strip() == "edgecls"
    look = (
        "import importlib.util as u, json, platform, tensorrt; "
        "import edgecls.runtimes.tensorrt_cache as c; "
        "print(json.dumps([platform.machine(), tensorrt.__version__, str(c.default_folder()), "
        "[n for n in ('tensorflow', 'keras', 'onnxruntime') if u.find_spec(n)]]))"
    )
    said = in_container(buildah, container, "/opt/edgecls/bin/python", "-c", look)
    assert json.loads(said) == ["aarch64", "10.3.0", "/var/cache/edgecls/engines", []]


def test_compiled_code_is_not_checked_by_time(buildah: Buildah, container: str) -> None:
    root = Path(buildah("mount", container).strip())
    compiled = list(root.glob("opt/edgecls/lib/python3*/site-packages/edgecls/**/*.pyc"))
    assert len(compiled) > 100
    assert {path.read_bytes()[4:8] for path in compiled} == {UNCHECKED_HASH}


def test_the_demo_runs_in_it_on_a_read_only_root(
    buildah: Buildah, container: str, tmp_path: Path
) -> None:
    config = json.loads(buildah("inspect", "--type", "container", container))["Docker"]["config"]
    environment = dict(word.split("=", 1) for word in config["Env"])
    root = Path(buildah("mount", container).strip())
    places = [*config["Volumes"], "/tmp"]
    with read_only(root, tmp_path / "root", places) as mounted:
        done = run_in_root(
            mounted,
            *(*config["Entrypoint"], "demo", "--once", "--port", "0", "--json"),
            timeout_s=1200,
            environment=environment,
            user="10001:10001",
        )
        assert list((mounted / "var/cache/edgecls").iterdir()) == []
    answer = json.loads(done.stdout)
    assert answer["schema"] == 1
    assert answer["visits"] == answer["expected"] == 2


@contextmanager
def read_only(root: Path, place: Path, writable: list[str]) -> Iterator[Path]:
    """Show `root` at `place`, read-only but for `writable` folders, as the compose file does."""
    place.mkdir()
    steps = [
        ["--bind", str(root), str(place)],
        ["-o", "remount,ro,bind", str(place)],
        *(["-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{place}{name}"] for name in writable),
    ]
    try:
        for words in steps:
            subprocess.run(["mount", *words], check=True, timeout=30)
        with pytest.raises(OSError, match="Read-only file system"):
            (place / "opt/proof").touch()
        yield place
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", str(place)], check=False, timeout=30)


def test_a_base_with_an_old_python_is_refused_in_words(
    buildah: Buildah, tmp_path: Path, built: str, repository: Path
) -> None:
    del built  # its base is used
    pretend = "import sys; sys.version_info = (3, 8); exec(sys.argv[1])"
    (tmp_path / "python3").write_text(
        f"#!/bin/sh\nexec /usr/bin/python3.11 -c '{pretend}' \"$2\"\n"
    )
    (tmp_path / "python3").chmod(0o755)
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nCOPY python3 /usr/local/bin/python3\n")
    buildah.build("localhost/old", tmp_path / "Dockerfile", tmp_path)
    said = buildah(
        *("bud", "--isolation", "chroot", "--arch", "arm64", "--pull-never", "--layers=false"),
        *("--build-arg=BASE=localhost/old", "-f", repository / "Dockerfile.jetson", tmp_path),
        check=False,
    )
    assert "this base has Python 3.8, edgecls needs 3.10" in said


def test_the_compose_file_gives_what_the_image_needs(repository: Path) -> None:
    service = yaml.safe_load((repository / "compose.jetson.yaml").read_text())["services"][
        "edgecls"
    ]
    assert service["runtime"] == "nvidia"
    assert service["read_only"] is True
    places = [volume.split(":")[1] for volume in service["volumes"]]
    assert {"/var/lib/edgecls", "/var/cache/edgecls", "/etc/edgecls/doorbell.toml"} <= set(places)
    assert service["devices"]
