"""Bring a version to a device that runs, try it there, and return if it is not well."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from edgecls.boards.firmware import firmware_folder
from edgecls.deploy.device_config import DeviceConfig
from edgecls.deploy.device_state import DeviceState, ask_device
from edgecls.deploy.image import sha256_of
from edgecls.deploy.keeping import BROUGHT, keep_config, keep_units
from edgecls.deploy.payload import release_text, system_files, wheels_archive
from edgecls.deploy.ssh import Remote
from edgecls.deploy.wheelhouse import Wheelhouse
from edgecls.errors import DeployError
from edgecls.sections.firmware import Firmware

INBOX = "/var/tmp/edgecls-push"  # noqa: S108  (a name of ours; root looks into it, nobody else writes)
SHORT_S, COPY_S, INSTALL_S, TRY_S = 120.0, 3600.0, 3600.0, 900.0
OPT = "${EDGECLS_ROOT:-}/opt/edgecls"
ETC = "${EDGECLS_ROOT:-}/etc/edgecls"
ROOT = "${EDGECLS_ROOT:+--root $EDGECLS_ROOT}"  # empty on a device


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did."""

    release: str
    before: str | None
    installed: bool
    notes: tuple[str, ...]


def push(
    remote: Remote,
    state: DeviceState,
    house: Wheelhouse,
    folder: Path,
    *,
    firmware: Firmware,
    config: DeviceConfig | None,
    told: Callable[[str], None],
) -> Pushed:
    """Install a release beside the one that runs, and try it.

    Args:    folder: for what is copied.   config: to be put in place, None leaves the device's own.
    Raises:  DeployError when the device has no configuration and none is given, when a step fails,
             and when the release was not well there: the old one then runs again.
    """
    notes = [f"an earlier push of {name} stopped halfway: done again" for name in state.half]
    if state.trial:
        notes.append("an earlier push was cut off before its end: brought to it now")
    for note in notes:
        told(note)
    if state.trial:
        _update(remote, state.current, "settle", check=False)
        state = ask_device(remote)  # it may have switched back, and removed what was left over
    if config is None and not state.has_config:
        raise DeployError(
            f"{remote.host} has no /etc/edgecls/doorbell.toml, expected -c FILE the first time",
            hint=f"edgecls push {remote.host} -c doorbell.toml",
        )
    for name in state.half:
        if name != house.release:
            remote.do(f"rm -rf {OPT}/releases/{name}", timeout_s=SHORT_S)
    install = house.release not in state.complete
    _copy(remote, house, folder, firmware=firmware, config=config, wheels=install)
    bringing = config is not None and state.has_config  # the device returns by itself to its own
    remote.do(keep_config(ETC, INBOX, bringing=bringing), timeout_s=INSTALL_S)
    # what takes long and may be cut off comes before what the running release reads
    steps = ["account", *(["wheels", "environment", "packages"] if install else [])]
    steps += ["settings"] if config else []
    _steps(remote, steps, told)
    units = sorted(system_files(firmware, None))
    remote.do(keep_units(OPT, INBOX, state.current, house.release, units), timeout_s=INSTALL_S)
    _steps(remote, [] if state.has_config else ["password"], told)  # `try` places the unit files
    told(f"trying {house.release}")
    _update(remote, house.release, f"try {house.release}")
    remote.do(f"systemctl enable --quiet {' '.join(firmware.systemd.units)}", timeout_s=SHORT_S)
    remote.do(f"rm -rf {INBOX} {OPT}/wheels {ETC}{BROUGHT}", timeout_s=SHORT_S)
    return Pushed(house.release, state.current, install, tuple(notes))


def roll_back(remote: Remote, state: DeviceState) -> Pushed:
    """Return to the release before this one, and to its unit files; the configuration stays.

    Raises:  DeployError when there is none.
    """
    if state.current is None:
        raise DeployError(
            f"{remote.host} has no edgecls, expected one to roll back",
            hint=f"edgecls push {remote.host} -c doorbell.toml",
        )
    release, *notes = _update(remote, state.current, "rollback").splitlines() or [""]
    return Pushed(release or "the release before", state.current, False, tuple(notes))


def _steps(remote: Remote, steps: Iterable[str], told: Callable[[str], None]) -> None:
    for step in steps:
        told(step)
        remote.do(f"sh {INBOX}/edgecls-first-boot {INBOX} {step} && sync", timeout_s=INSTALL_S)


def _update(remote: Remote, release: str | None, words: str, *, check: bool = True) -> str:
    """Run the device's own part with a release's Python."""
    python = f"{OPT}/releases/{release}/bin/python"
    config = f"--folder {OPT} --config {ETC}/doorbell.toml {ROOT}"
    script = f"{python} -m edgecls.update {words} {config}"
    return remote.do(script if check else f"{script} || true", timeout_s=TRY_S)


def _copy(
    remote: Remote,
    house: Wheelhouse,
    folder: Path,
    *,
    firmware: Firmware,
    config: DeviceConfig | None,
    wheels: bool,
) -> None:
    """Bring everything in one archive, so that half of it cannot be taken for all of it."""
    files: dict[str, Path] = {}
    texts = {f"system/{name}": text for name, text in system_files(firmware, None).items()}
    texts["release"] = release_text(house, firmware, card=False)
    if config:
        texts["etc/doorbell.toml"] = config.text
        files |= {f"etc/{name}": path for name, path in config.files.items()}
    for name, text in texts.items():
        files[name] = folder / name
        files[name].parent.mkdir(parents=True, exist_ok=True)
        files[name].write_text(text, encoding="utf-8")
    files["edgecls-first-boot"] = firmware_folder() / "first_boot" / "edgecls-first-boot"
    if wheels:
        files["wheels.tar"] = wheels_archive(folder / "wheels.tar", house.paths)
        files["wheels.tar.sha256"] = folder / "wheels.tar.sha256"
        files["wheels.tar.sha256"].write_text(f"{sha256_of(files['wheels.tar'])}  wheels.tar\n")
    archive = folder / "push.tar"
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, path in sorted(files.items()):
            entry = _of_root(tar.gettarinfo(path, name))
            with path.open("rb") as file:
                tar.addfile(entry, file)
    archive.chmod(0o600)  # passwords are in it; the copy takes its mode along
    remote.do(f"rm -rf {INBOX} && mkdir -m 700 {INBOX}", timeout_s=SHORT_S)
    name = f"edgecls-push-{house.release}.tar"
    remote.copy(archive, name, timeout_s=COPY_S)
    unpack = f'tar -x --no-same-owner -f "$PWD/{name}" -C {INBOX}'
    remote.do(f"{unpack} && rm -f {name}", timeout_s=INSTALL_S)


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return an archive's entry that belongs to root: nothing of this machine is told."""
    return entry.replace(uid=0, gid=0, uname="root", gname="root", mode=0o600, deep=False)
