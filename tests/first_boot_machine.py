"""A machine for the script of the first boot: a folder for "/", and fakes of what only root may do.

Every fake counts its calls; power can be cut at any of them.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "firmware_configs/first_boot/edgecls-first-boot"
VERSION, PYTHON = "0.1.0", "3.11"
STEPS = (
    "account", "settings", "services", "wheels", "environment", "packages", "current", "password",
    "enable", "tidy", "clock",
)  # fmt: skip

# Each call is counted; at the wished one the whole process group dies, as at a power cut.
TICK = """#!/bin/sh
count=$(($(cat "$FAKES/count") + 1))
echo $count >"$FAKES/count"
echo "$(basename "$0") $*" >>"$FAKES/calls"
if [ "$count" -eq "${DIE_AT:-0}" ]; then kill -KILL 0; fi
"""
FAKES = {
    "sync": "",
    "chown": "",
    "systemctl": "",
    "timedatectl": "",
    "id": '[ -e "$FAKES/user" ]',
    "useradd": 'touch "$FAKES/user"',
    "getent": 'grep -qx "$2" "$FAKES/groups"',
    "groupadd": 'echo "$2" >>"$FAKES/groups"',
    "python3": """case "$*" in
  *version_info*) echo "$FAKE_PYTHON" ;;
  *secrets*) echo "ab12-cd34-$count-ef56" ;;
  *venv*) for target; do :; done; mkdir -p "$target/bin"; cp "$FAKES/pip" "$target/bin/python" ;;
esac
""",
    "pip": """case "$*" in
  */pip-25.0-py3-none-any.whl/pip*) ;;
  *) echo "no pip in $1" >&2; exit 2 ;;
esac
printf '#!/bin/sh\\necho edgecls 0.1.0\\n' >"$(dirname "$0")/edgecls"
chmod 755 "$(dirname "$0")/edgecls"
""",
}


class Machine:
    """A device whose card was just put in.

    Args:    folder: becomes its "/" (`root`), its boot partition and its fakes.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self.boot, self._fakes = folder / "root", folder / "boot", folder / "fakes"
        self.card = self.boot / "edgecls"
        for path in (self.root, self.card / "etc", self.card / "system", self._fakes):
            path.mkdir(parents=True)
        (self._fakes / "groups").write_text("video\n")
        (self._fakes / "count").write_text("0\n")
        for name, body in FAKES.items():
            (self._fakes / name).write_text(TICK + body)
            (self._fakes / name).chmod(0o755)
        self._write_card()

    def _write_card(self) -> None:
        release = f"version={VERSION}\npython={PYTHON}\ngroups=gpio video\n"
        release += "units=edgecls.service edgecls-first-login.path\n"
        (self.card / "release").write_text(release)
        (self.card / "etc/doorbell.toml").write_text("[camera]\n")
        (self.card / "etc/0-camera-password").write_text("secret")
        units = self.card / "system/etc/systemd/system"
        units.mkdir(parents=True)
        (units / "edgecls.service").write_text("[Service]\n")
        wheels = self.card / "wheels.tar"
        with tarfile.open(wheels, "w") as archive:
            for name in ("pip-25.0-py3-none-any.whl", "requirements.txt"):
                source = self._fakes / "wheel"
                source.write_text(name)
                archive.add(source, name)
        digest = hashlib.sha256(wheels.read_bytes()).hexdigest()
        (self.card / "wheels.tar.sha256").write_text(f"{digest}  wheels.tar\n")

    def start(self, *, die_at: int = 0, python: str = PYTHON) -> subprocess.CompletedProcess[str]:
        """Run the script once, as at a boot. Args: die_at: the call at which power is cut."""
        (self._fakes / "count").write_text("0\n")
        (self._fakes / "calls").write_text("")
        environment = {
            "PATH": f"{self._fakes}{os.pathsep}{os.environ['PATH']}",
            "EDGECLS_ROOT": str(self.root),
            "FAKES": str(self._fakes),
            "FAKE_PYTHON": python,
            "DIE_AT": str(die_at),
        }
        return subprocess.run(
            ["sh", str(SCRIPT), str(self.card)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )

    @property
    def calls(self) -> list[str]:
        """Return what the last start called, in order."""
        return (self._fakes / "calls").read_text().splitlines()

    @property
    def markers(self) -> set[str]:
        folder = self.root / "var/lib/edgecls-first-boot"
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def assert_whole(self) -> None:
        """Check that the machine is what one undisturbed start makes of it."""
        assert self.markers == {*STEPS, "done"}
        release = self.root / "opt/edgecls/releases" / VERSION
        assert (release / ".complete").exists()
        assert (release / "bin/edgecls").stat().st_mode & 0o111
        current = self.root / "opt/edgecls/current"
        assert str(current.readlink()) == f"releases/{VERSION}"
        assert not (self.root / "opt/edgecls/wheels").exists()
        etc = self.root / "etc/edgecls"
        assert {p.name: p.stat().st_mode & 0o777 for p in etc.iterdir()} == {
            "doorbell.toml": 0o640,
            "0-camera-password": 0o640,
        }
        assert (self.root / "etc/systemd/system/edgecls.service").read_text() == "[Service]\n"
        password = (self.root / "var/lib/edgecls/first-password").read_text().strip()
        assert f"name owner, password {password}\n" in self.owner_file.read_text()
        left = {path.name for path in self.card.iterdir()}
        assert left == {"release", "system"}
        assert not (self.boot / "edgecls-first-boot.txt").exists()

    @property
    def owner_file(self) -> Path:
        return self.boot / "edgecls-password.txt"


DIED = -signal.SIGKILL
