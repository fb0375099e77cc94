"""The unit file: systemd understands every line, and lets the daemon do little."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgecls._lib import toml

EXPOSURE_MAX = 2.0
JETSON_EXPOSURE_MAX = 3.0
"""Its camera and GPU drivers use devices that have no common name: no list of devices there."""

analyze = shutil.which("systemd-analyze")
pytestmark = pytest.mark.skipif(analyze is None, reason="systemd-analyze is not installed")


@pytest.fixture
def unit(repository: Path) -> str:
    return (repository / "firmware_configs/systemd/edgecls.service").read_text()


def ask_systemd(*words: str) -> subprocess.CompletedProcess[str]:
    assert analyze is not None
    return subprocess.run(
        [analyze, *words], capture_output=True, text=True, timeout=60, check=False
    )


def exposure(folder: Path, unit: str, drop_in: str = "") -> float:
    """Return systemd's figure from 0 (locked up) to 10; a drop-in's lines come after the unit's."""
    path = folder / "edgecls.service"
    path.write_text(f"{unit}\n{drop_in}\n")
    done = ask_systemd("security", "--offline=true", "--no-pager", str(path))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    return float(found[1])


def test_the_sandbox_is_as_tight_as_promised(unit: str, tmp_path: Path) -> None:
    assert exposure(tmp_path, unit) <= EXPOSURE_MAX


def test_the_figure_is_one_that_can_fail(unit: str, tmp_path: Path) -> None:
    assert exposure(tmp_path, "[Service]\nExecStart=/bin/true\n") > 9


def test_what_a_device_model_adds_leaves_it_tight(
    unit: str, tmp_path: Path, repository: Path
) -> None:
    """The drop-ins of firmware_configs, and those that docs/run-for-years.md offers."""
    seen = 0
    for path in sorted((repository / "firmware_configs").glob("*.toml")):
        for drop_in in toml.read(path)["systemd"].get("drop_ins", ()):
            if drop_in["unit"] == "edgecls.service":
                most = JETSON_EXPOSURE_MAX if path.name.startswith("jetson") else EXPOSURE_MAX
                assert exposure(tmp_path, unit, drop_in["text"]) <= most, path.name
                seen += 1
    assert seen > 0


def test_systemd_understands_every_line(unit: str, tmp_path: Path) -> None:
    path = tmp_path / "edgecls.service"
    path.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit))
    done = ask_systemd("verify", "--man=no", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    path.write_text(path.read_text().replace("ProtectSystem=strict", "ProtectSystem=stricd"))
    assert "stricd" in ask_systemd("verify", "--man=no", str(path)).stderr


def test_paths_that_a_processor_may_lack_are_optional(unit: str) -> None:
    # systemd starts nothing when one is missing: arm64 has no /lib64
    found = dict(re.findall(r"(?m)^(\w*Paths)=(.*)$", unit))
    assert {word for word in found["ExecPaths"].split() if "64" in word} == {"-/lib64"}
    everywhere = {"/opt/edgecls", "/usr", "/bin", "/lib", "/", "/etc/edgecls"}
    wanted = {word for line in found.values() for word in line.split() if word[0] != "-"}
    assert wanted <= everywhere


def test_it_starts_what_the_package_installs(unit: str, repository: Path) -> None:
    scripts = toml.read(repository / "pyproject.toml")["project"]["scripts"]
    found = re.search(r"(?m)^ExecStart=/opt/edgecls/current/bin/(\S+) /etc/edgecls/", unit)
    assert found is not None
    assert found[1] in scripts
