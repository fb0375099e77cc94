"""Turn passwords into what a device needs of them, for a card may be read by whoever finds it."""

from __future__ import annotations

import hashlib
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from edgecls._lib import proc
from edgecls.errors import ConfigError, MissingDependencyError

PSK_ROUNDS, PSK_BYTES = 4096, 32
PASSPHRASE_LENGTHS = range(8, 64)
SSID_BYTES_MAX = 32


@dataclass(frozen=True, slots=True)
class Wifi:
    """A network: its name, its key (64 hexadecimal digits), the country whose rules hold."""

    ssid: str
    psk: str = field(repr=False)
    country: str


def wifi(ssid: str, passphrase: str, country: str) -> Wifi:
    """Derive the network's key: PBKDF2-HMAC-SHA1, 4096 rounds (IEEE 802.11i, annex H.4).

    Raises:  ConfigError for a name, passphrase or country that no network can have.
    """
    name = ssid.encode()
    if not 1 <= len(name) <= SSID_BYTES_MAX:
        raise ConfigError(
            f"--wifi-ssid has {len(name)} bytes, expected 1 to {SSID_BYTES_MAX}",
            hint="give the network's name as your telephone shows it",
        )
    if len(passphrase) not in PASSPHRASE_LENGTHS or not passphrase.isascii():
        raise ConfigError(
            f"the Wi-Fi password has {len(passphrase)} characters, expected 8 to 63 of ASCII",
            hint="the file holds the password alone, on one line",
        )
    if len(country) != 2 or not country.isalpha() or not country.isascii():
        raise ConfigError(
            f"--wifi-country {country!r}, expected two letters",
            hint="for example --wifi-country DE: radios obey the rules of their country",
        )
    key = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), name, PSK_ROUNDS, PSK_BYTES)
    return Wifi(ssid, key.hex(), country.upper())


def sha512_crypt(password: str) -> str:
    """Return the password as /etc/shadow keeps it: "$6$", a random salt, the hash.

    Raises:  ConfigError for an empty one; MissingDependencyError without the openssl program.
    """
    if not password:
        raise ConfigError("the password of the account is empty", hint="write one into its file")
    try:
        done = proc.run(["openssl", "passwd", "-6", "-stdin"], timeout_s=30, stdin=password + "\n")
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise MissingDependencyError(
            "the openssl program hashes the account's password, and it is missing or too old",
            hint="sudo apt install openssl",
        ) from error
    return done.stdout.strip()


def read_secret(path: Path, *, option: str) -> tuple[str, str | None]:
    """Read a password's file: its first line.

    Returns: the password, and a warning when others may read the file, else None.
    Raises:  ConfigError when it cannot be read.
    """
    try:
        text = path.read_text("utf-8")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"cannot read {option} {path}: {why}", hint="a file with the password on one line"
        ) from error
    warning = None
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        warning = f"{path} can be read by other users of this machine: chmod 600 {path}"
    return (text.splitlines() or [""])[0], warning
