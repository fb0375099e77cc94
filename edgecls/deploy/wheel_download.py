"""Fill a wheelhouse: pip downloads what the lock file names, edgecls is built from its tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import edgecls
from edgecls import __version__
from edgecls._lib import proc
from edgecls.deploy.image import sha256_of
from edgecls.deploy.locks import Pin, Target, read_lock
from edgecls.deploy.wheelhouse import MANIFEST, Wheelhouse, write_manifest
from edgecls.errors import DeployError, MissingDependencyError

TIMEOUT_S = 3600.0
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
KEPT_LINES = 3


def make_wheelhouse(
    folder: Path,
    target: Target,
    lock: Path,
    *,
    wheel: Path | None = None,
    told: Callable[[str], None],
) -> Wheelhouse:
    """Download and check every wheel that a device of this kind needs.

    Args:    wheel: of edgecls; None builds it from the checkout that runs.
    Raises:  DeployError when pip cannot get a wheel, or one has another hash than the lock says.
             MissingDependencyError without pip, or without a checkout to build from.
    """
    pins = read_lock(lock)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    told(f"downloading {len(pins)} wheels for Python {target.python} on {target.arch}")
    _pip(
        "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:",
        "--implementation", "cp", "--python-version", target.python, "--abi", target.abi,
        "--abi", "abi3", "--abi", "none",
        *(word for tag in target.platforms for word in ("--platform", tag)),
        "--dest", str(folder), "--requirement", str(lock),
    )  # fmt: skip
    told("building the wheel of edgecls")
    own = _own_wheel(folder, wheel)
    wanted = {pin.sha256: pin for pin in pins}
    files: dict[str, str] = {}
    for path in sorted(folder.glob("*.whl")):
        digest = sha256_of(path)
        if path == own or digest in wanted:
            files[path.name] = digest
        else:
            path.unlink()  # of an earlier lock file
    missing = sorted(pin.name for digest, pin in wanted.items() if digest not in files.values())
    if missing:
        raise DeployError(
            f"pip left out {', '.join(missing)}, expected every wheel of {lock.name}",
            hint="run the command again",
        )
    house = Wheelhouse(folder, target, __version__, files)
    write_manifest(house, _requirements(pins, files[own.name]))
    return house


def _own_wheel(folder: Path, wheel: Path | None) -> Path:
    """Put edgecls's wheel into the folder, and take older ones out; return its path."""
    for old in folder.glob("edgecls-*.whl"):
        old.unlink()
    if wheel is not None:
        if not wheel.is_file() or not wheel.name.startswith(f"edgecls-{__version__}-"):
            raise DeployError(
                f"{wheel} is no wheel of edgecls {__version__}",
                hint="build it from this version: python -m build --wheel",
            )
        copy = folder / wheel.name
        copy.write_bytes(wheel.read_bytes())
        return copy
    tree = Path(edgecls.__file__).parent.parent
    if not (tree / "pyproject.toml").is_file():
        raise MissingDependencyError(
            "edgecls is installed here without its source, expected a checkout to build from",
            hint="edgecls wheelhouse BOARD --wheel edgecls-VERSION-py3-none-any.whl",
        )
    isolation = () if _must_isolate() else ("--no-build-isolation",)
    _pip("wheel", "--quiet", "--no-deps", *isolation, "--wheel-dir", str(folder), str(tree))
    (built,) = folder.glob("edgecls-*.whl")
    return built


def _must_isolate() -> bool:
    """Tell whether the build must be isolated: without hatchling here, pip downloads it."""
    done = proc.run([sys.executable, "-c", "import hatchling"], timeout_s=60, check=False)
    return done.returncode != 0


def _requirements(pins: tuple[Pin, ...], own_sha256: str) -> str:
    lines = [f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}" for pin in pins]
    return "\n".join([*lines, f"edgecls=={__version__} --hash=sha256:{own_sha256}", ""])


def _pip(*words: str) -> None:
    try:
        done = proc.run([*PIP, *words], timeout_s=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise DeployError(
            f"pip {words[0]} took longer than {TIMEOUT_S:.0f} s", hint="run the command again"
        ) from error
    if done.returncode == 0:
        return
    lines = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
    if any("No module named pip" in line for line in lines):
        raise MissingDependencyError(
            "pip is not installed in this environment", hint=f"{sys.executable} -m ensurepip"
        )
    raise DeployError(
        f"pip {words[0]} failed: {' '.join(lines[-KEPT_LINES:]) or 'it does not say why'}",
        hint="is there a network? A wheelhouse that was made once needs none",
    )
