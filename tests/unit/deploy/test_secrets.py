"""Passwords: only hashes leave, and files that others can read are told."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from edgecls.deploy.person import checked_hostname, checked_user, ssh_keys_from_file
from edgecls.deploy.secrets import read_secret, sha512_crypt, wifi
from edgecls.errors import ConfigError


def test_the_wifi_key_is_that_of_the_standard() -> None:
    # IEEE 802.11i, annex H.4.3, test cases 1 and 3.
    expected = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert wifi("IEEE", "password", "de").psk == expected
    expected = "becb93866bb8c3832cb777c2f559807c8c59afcb6eae734885001300a981cc62"
    found = wifi("Z" * 32, "a" * 32, "DE")
    assert found.psk == expected
    assert found.country == "DE"
    assert expected not in repr(found)


@pytest.mark.parametrize(
    ("ssid", "passphrase", "country", "told"),
    [
        ("", "password", "DE", "--wifi-ssid has 0 bytes"),
        ("n" * 33, "password", "DE", "--wifi-ssid has 33 bytes"),
        ("net", "short", "DE", "has 5 characters, expected 8 to 63"),
        ("net", "pässword", "DE", "expected 8 to 63 of ASCII"),
        ("net", "password", "Germany", "--wifi-country 'Germany', expected two letters"),
    ],
)
def test_a_wifi_that_cannot_be_is_refused(
    ssid: str, passphrase: str, country: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        wifi(ssid, passphrase, country)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_an_account_s_password_becomes_a_salted_hash() -> None:
    first, second = sha512_crypt("correct horse"), sha512_crypt("correct horse")
    assert re.fullmatch(r"\$6\$[./A-Za-z0-9]{8,16}\$[./A-Za-z0-9]{86}", first)
    assert first != second
    with pytest.raises(ConfigError, match="is empty"):
        sha512_crypt("")


def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "wifi"
    path.write_text("correct horse\nsecond line\n")
    path.chmod(0o600)
    assert read_secret(path, option="--wifi-password-file") == ("correct horse", None)
    path.chmod(0o644)
    text, warning = read_secret(path, option="--wifi-password-file")
    assert text == "correct horse"
    assert warning == f"{path} can be read by other users of this machine: chmod 600 {path}"
    with pytest.raises(ConfigError, match=r"cannot read --wifi-password-file .*No such file"):
        read_secret(tmp_path / "missing", option="--wifi-password-file")


def test_names_and_keys_are_checked(tmp_path: Path) -> None:
    assert checked_hostname("Front-Door.local") == "front-door"
    assert checked_user("anna") == "anna"
    for text in ("door_1", "-door", "", "a" * 64):
        with pytest.raises(ConfigError, match="--hostname"):
            checked_hostname(text)
    for text in ("root", "edgecls", "Anna", ""):
        with pytest.raises(ConfigError, match="--user"):
            checked_user(text)
    key = tmp_path / "id.pub"
    key.write_text("# mine\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA anna@desk\n")
    assert ssh_keys_from_file(key) == ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA anna@desk",)
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    with pytest.raises(ConfigError, match="is a private key, expected the public one"):
        ssh_keys_from_file(key)
    key.write_text("hello\n")
    with pytest.raises(ConfigError, match="holds no public key"):
        ssh_keys_from_file(key)
