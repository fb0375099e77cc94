"""What the device shall know of its owner: its name, an account to log in with, the Wi-Fi."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from edgecls.deploy.secrets import Wifi
from edgecls.errors import ConfigError

HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
SSH_KEY = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/]+=*( .*)?")
RESERVED = frozenset({"root", "edgecls"})


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the operating system, for ssh: with keys, a password's hash, or both.

    Args:    password_hash: as in /etc/shadow; None locks the password.
    """

    user: str
    ssh_keys: tuple[str, ...] = ()
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """All about the device that is not edgecls itself. None leaves it as the image has it."""

    hostname: str | None = None
    person: Person | None = None
    wifi: Wifi | None = None


def checked_hostname(text: str) -> str:
    """Return a host name that can be used. Raises: ConfigError."""
    name = text.lower().removesuffix(".local")
    if not HOST_NAME.fullmatch(name):
        raise ConfigError(
            f"--hostname {text!r}, expected 1 to 63 of a to z, 0 to 9 and dash",
            hint="for example --hostname front-door",
        )
    return name


def checked_user(text: str) -> str:
    """Return a name that can be a login. Raises: ConfigError."""
    if not USER_NAME.fullmatch(text) or text in RESERVED:
        raise ConfigError(
            f"--user {text!r} cannot be a login, expected a short name in small letters, "
            f"not {' or '.join(sorted(RESERVED))}",
            hint="for example --user pi",
        )
    return text


def ssh_keys_from_file(path: Path) -> tuple[str, ...]:
    """Read public keys, one per line.

    Raises:  ConfigError when there is none, and for a private key: it never leaves its machine.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read --ssh-key {path}", hint="for example --ssh-key ~/.ssh/id_ed25519.pub"
        ) from error
    if "PRIVATE KEY" in text:
        raise ConfigError(
            f"--ssh-key {path} is a private key, expected the public one",
            hint=f"--ssh-key {path}.pub",
        )
    lines = [line.strip() for line in text.splitlines()]
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys or not all(SSH_KEY.fullmatch(key) for key in keys):
        raise ConfigError(
            f"--ssh-key {path} holds no public key, expected lines like ssh-ed25519 AAAA... name",
            hint="for example --ssh-key ~/.ssh/id_ed25519.pub",
        )
    return keys
