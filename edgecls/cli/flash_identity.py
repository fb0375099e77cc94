"""Make the device's identity of the flags of `edgecls flash`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgecls.deploy.person import Identity


def identity_from_flags(
    *,
    hostname: str | None,
    user: str,
    ssh_key: Path | None,
    user_password_file: Path | None,
    wifi_ssid: str | None,
    wifi_password_file: Path | None,
    wifi_country: str | None,
) -> tuple[Identity, list[str]]:
    """Return the identity, and warnings for a person.

    Raises:  ConfigError for a flag that cannot be used, and a Wi-Fi that is told in part.
    """
    from edgecls.deploy.person import (
        Identity,
        Person,
        checked_hostname,
        checked_user,
        ssh_keys_from_file,
    )
    from edgecls.deploy.secrets import read_secret, sha512_crypt, wifi
    from edgecls.errors import ConfigError

    warnings: list[str] = []

    def secret(path: Path, option: str) -> str:
        text, warning = read_secret(path, option=option)
        warnings.extend([warning] if warning else [])
        return text

    network = None
    told = (wifi_ssid, wifi_password_file, wifi_country)
    if wifi_ssid and wifi_password_file and wifi_country:
        passphrase = secret(wifi_password_file, "--wifi-password-file")
        network = wifi(wifi_ssid, passphrase, wifi_country)
    elif any(value is not None for value in told):
        raise ConfigError(
            "the Wi-Fi is told in part, expected --wifi-ssid, --wifi-password-file, --wifi-country",
            hint="--wifi-ssid NAME --wifi-password-file FILE --wifi-country DE",
        )
    person = None
    if ssh_key is not None or user_password_file is not None:
        person = Person(
            checked_user(user),
            ssh_keys_from_file(ssh_key) if ssh_key else (),
            sha512_crypt(secret(user_password_file, "--user-password-file"))
            if user_password_file
            else None,
        )
    name = None if hostname is None else checked_hostname(hostname)
    return Identity(name, person, network), warnings
