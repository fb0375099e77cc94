"""How a stock image is told who it is and what to start: cloud-init, or Raspberry Pi's files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import tomli_w

from edgecls.deploy.person import Identity

INSTALL = "install-unit"
FIRST_RUN = "firstrun.sh"
FIRST_RUN_WORDS = (
    "systemd.run_success_action=reboot",
    "systemd.unit=kernel-command-line.target",
)

Dialect = Callable[[Identity, str, str], tuple[dict[str, str], tuple[str, ...]]]
"""Identity, folder of the mounted boot partition, instance -> files, words for cmdline.txt."""


def cloud_init(
    identity: Identity, boot: str, instance: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Write NoCloud's three files, in JSON, which is YAML too: nothing in it needs quoting rules.

    `bootcmd` runs at every start, unlike `runcmd`: power may fail during the first one.
    """
    folder = f"{boot}/edgecls"
    mount = f"mountpoint -q {boot} || mount {boot}"
    user_data: dict[str, object] = {
        "bootcmd": [["sh", "-c", f"{mount}; sh {folder}/{INSTALL} {folder} start"]],
        "ssh_pwauth": False,
    }
    if identity.hostname:
        user_data |= {"hostname": identity.hostname, "manage_etc_hosts": True}
    person = identity.person
    if person:
        user: dict[str, object] = {
            "name": person.user,
            "groups": "users,adm,sudo,video",
            "shell": "/bin/bash",
            "sudo": "ALL=(ALL) NOPASSWD:ALL" if person.password_hash is None else "ALL=(ALL) ALL",
            "lock_passwd": person.password_hash is None,
        }
        if person.password_hash:
            user["passwd"] = person.password_hash
        if person.ssh_keys:
            user["ssh_authorized_keys"] = list(person.ssh_keys)
        user_data |= {
            "users": [user],
            "ssh_pwauth": person.password_hash is not None,
            "enable_ssh": True,  # a word of Raspberry Pi OS; others pass over it
        }
    network: dict[str, object] = {
        "version": 2,
        "ethernets": {"wired": {"match": {"name": "e*"}, "dhcp4": True, "optional": True}},
    }
    if identity.wifi:
        network["wifis"] = {
            "wlan0": {
                "dhcp4": True,
                "optional": True,
                "regulatory-domain": identity.wifi.country,
                "access-points": {identity.wifi.ssid: {"password": identity.wifi.psk}},
            }
        }
    return {
        "user-data": "#cloud-config\n" + _json(user_data),
        "network-config": _json(network),
        "meta-data": _json({"instance-id": instance}),
    }, ()


def raspberry_pi(
    identity: Identity, boot: str, instance: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Write custom.toml, which the system's own first start applies, and firstrun.sh to install.

    custom.toml knows no commands: firstrun.sh is run by systemd at the start after that, as
    Raspberry Pi's own writer of cards does it.
    """
    del instance
    settings: dict[str, object] = {"config_version": 1}
    if identity.hostname:
        settings["system"] = {"hostname": identity.hostname}
    if identity.person:
        person = identity.person
        settings["user"] = {
            "name": person.user,
            "password": person.password_hash or "!",
            "password_encrypted": True,
        }
        settings["ssh"] = {
            "enabled": True,
            "password_authentication": person.password_hash is not None,
            "authorized_keys": list(person.ssh_keys),
        }
    if identity.wifi:
        settings["wlan"] = {
            "ssid": identity.wifi.ssid,
            "password": identity.wifi.psk,
            "password_encrypted": True,
            "hidden": False,
            "country": identity.wifi.country,
        }
    script = f"""#!/bin/sh
set -e
sh {boot}/edgecls/{INSTALL} {boot}/edgecls
rm -f {boot}/{FIRST_RUN}
sed -i 's| systemd\\.[^ ]*||g' {boot}/cmdline.txt
sync
"""
    files = {"custom.toml": tomli_w.dumps(settings), FIRST_RUN: script}
    return files, (f"systemd.run={boot}/{FIRST_RUN}", *FIRST_RUN_WORDS)


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


DIALECTS: Mapping[str, Dialect] = {"cloud-init": cloud_init, "custom-toml": raspberry_pi}
