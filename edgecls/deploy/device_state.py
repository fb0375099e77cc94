"""What is on a device that already runs: asked over ssh in one go."""

from __future__ import annotations

from dataclasses import dataclass

from edgecls.deploy.ssh import Remote
from edgecls.errors import DeployError

# Prints key=value lines. EDGECLS_ROOT stands for "/" in tests.
QUESTIONS = r"""
root=${EDGECLS_ROOT:-}
echo "uid=$(id -u)"
echo "arch=$(uname -m)"
echo "python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)"
echo "glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/.* //')"
echo "model=$(tr -d '\0' <$root/proc/device-tree/model 2>/dev/null)"
echo "compatible=$(tr '\0' ' ' <$root/proc/device-tree/compatible 2>/dev/null)"
echo "current=$(readlink $root/opt/edgecls/current 2>/dev/null | sed 's/.*\///')"
echo "trial=$(grep -oE '"(trying|returning)"' $root/opt/edgecls/update.json 2>/dev/null | head -1)"
echo "config=$([ -f $root/etc/edgecls/doorbell.toml ] && echo yes)"
for one in "$root"/opt/edgecls/releases/*; do
  if [ -e "$one/.complete" ]; then echo "complete=${one##*/}"; fi
  if [ -d "$one" ] && [ ! -e "$one/.complete" ]; then echo "half=${one##*/}"; fi
done
true
"""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Answers of one device.

    Args:    current: the release that runs, None if none.   complete, half: releases that are
             installed to their end, and that are not.   trial: whether one was never judged, or a
             return never ended.
    """

    root: bool
    arch: str
    python: str
    glibc: str
    model: str
    compatible: tuple[str, ...]
    current: str | None
    complete: tuple[str, ...]
    half: tuple[str, ...]
    trial: bool
    has_config: bool


def ask_device(remote: Remote) -> DeviceState:
    """Ask a device. Raises: DeployError when it cannot be reached or lacks Python."""
    pairs = [line.partition("=") for line in remote.ask(QUESTIONS).splitlines()]
    one = {key: value.strip() for key, _, value in pairs}
    many = {name: tuple(v for k, _, v in pairs if k == name) for name in ("complete", "half")}
    if not one.get("python"):
        raise DeployError(
            f"{remote.host} has no python3, expected 3.10 or newer",
            hint=f"ssh {remote.host} sudo apt install python3",
        )
    return DeviceState(
        root=one.get("uid") == "0",
        arch=one.get("arch", ""),
        python=one["python"],
        glibc=one.get("glibc") or "2.17",
        model=one.get("model", ""),
        compatible=tuple(one.get("compatible", "").split()),
        current=one.get("current") or None,
        complete=many["complete"],
        half=many["half"],
        trial=bool(one.get("trial")),
        has_config=one.get("config") == "yes",
    )
