"""The page's certificate: made once, kept, renewed in time, and used by a real connection."""

from __future__ import annotations

import socket
import ssl
import stat
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from edgecls.errors import PageError
from edgecls.sections.web import WebSection
from edgecls.web.addresses import own_names
from edgecls.web.certificate_child import FLOOR, LASTS, RENEW, ensure
from edgecls.web.server import PageServer
from edgecls.web.tls import Tls
from tests.household import FakeHousehold

NOW = datetime(2026, 11, 20, 13, 5, tzinfo=timezone.utc)
NAMES = ("localhost", "127.0.0.1", "door.local")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    assert ensure(*paths, NAMES, also=("192.168.1.20",), now=NOW)
    return paths


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def alternatives(path: Path) -> set[str]:
    found = read(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_it_names_what_browsers_open_and_its_key_is_private(pair: tuple[Path, Path]) -> None:
    certificate, key = pair
    assert alternatives(certificate) == {*NAMES, "192.168.1.20"}
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert read(certificate).not_valid_after_utc - NOW == LASTS
    assert read(certificate).not_valid_before_utc < NOW


def test_it_is_kept_while_it_serves(pair: tuple[Path, Path]) -> None:
    before = pair[0].read_bytes()
    assert not ensure(*pair, NAMES[:2], also=("192.168.1.99",), now=NOW + LASTS - RENEW)
    assert pair[0].read_bytes() == before


def test_it_is_renewed_before_it_ends_with_the_same_key(pair: tuple[Path, Path]) -> None:
    key = pair[1].read_bytes()
    later = NOW + LASTS - RENEW + timedelta(seconds=1)
    assert ensure(*pair, NAMES, now=later)
    assert read(pair[0]).not_valid_after_utc - later == LASTS
    assert pair[1].read_bytes() == key


def test_a_new_name_makes_a_new_one(pair: tuple[Path, Path]) -> None:
    assert ensure(*pair, (*NAMES, "porch.example"), now=NOW)
    assert "porch.example" in alternatives(pair[0])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nx", None])
def test_what_is_damaged_or_gone_is_made_anew(
    pair: tuple[Path, Path], which: int, content: bytes | None
) -> None:
    pair[which].unlink()
    if content is not None:
        pair[which].write_bytes(content)
    assert ensure(*pair, NAMES, now=NOW)
    assert not ensure(*pair, NAMES, now=NOW)


def test_a_clock_that_wakes_in_1970_does_not_spoil_it(tmp_path: Path) -> None:
    pair = tmp_path / "c.pem", tmp_path / "k.pem"
    assert ensure(*pair, NAMES, now=datetime(1970, 1, 1, tzinfo=timezone.utc))
    assert not ensure(*pair, NAMES, now=FLOOR + timedelta(days=400))


def test_a_given_pair_that_does_not_belong_together_is_refused(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.pem", tmp_path / "other-key.pem"
    ensure(*other, NAMES, now=NOW)
    for certificate, key in ((pair[0], other[1]), (pair[0], tmp_path / "none"), (pair[1], pair[1])):
        with pytest.raises(PageError, match="cannot use") as caught:
            Tls(certificate, key).load()
        assert "PEM" in str(caught.value.hint)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "tls"
    with pytest.raises(PageError, match="cannot make a certificate"):
        Tls(folder / "c.pem", folder / "k.pem", names=("localhost",)).load()


def test_the_page_speaks_tls_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    section = WebSection(port=0, tls="generated", host_names=("door.example",))
    lines: list[str] = []
    with PageServer(FakeHousehold(), section, tmp_path, announce=lines.append) as server:
        context = ssl.create_default_context(cafile=str(tmp_path / "tls" / "certificate.pem"))
        with urllib.request.urlopen(f"{server.url}/login", timeout=30, context=context) as answer:
            cookies = answer.headers.get_all("set-cookie")
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
            plain.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b"HTTP/" not in plain.recv(100)
        fingerprint = server.fingerprint
    assert server.url.startswith("https://127.0.0.1:")
    assert all("Secure" in line and line.startswith("__Host-") for line in cookies)
    digest = read(tmp_path / "tls" / "certificate.pem").fingerprint(hashes.SHA256())
    assert str(fingerprint).replace(":", "") == digest.hex().upper()
    assert any(str(fingerprint) in line for line in lines)
    assert {"door.example", "127.0.0.1", own_names()[0]} <= alternatives(
        tmp_path / "tls" / "certificate.pem"
    )


def test_the_page_takes_a_given_certificate(pair: tuple[Path, Path], tmp_path: Path) -> None:
    section = WebSection(port=0, tls="given", certificate=pair[0], key=pair[1])
    context = ssl.create_default_context(cafile=str(pair[0]))
    with PageServer(FakeHousehold(), section, tmp_path / "data") as server:
        assert server.fingerprint is None
        with urllib.request.urlopen(f"{server.url}/login", timeout=30, context=context) as answer:
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
