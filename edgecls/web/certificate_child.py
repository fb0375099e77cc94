"""Make the page's own certificate: a program of its own, to keep its library out of the daemon.

    python -m edgecls.web.certificate_child CERTIFICATE KEY NAME... [--also NAME...]

It makes both PEM files (the key with mode 0600) when there are none, when they do not belong
together, end within RENEW, or lack a NAME before --also; it keeps the key where it can.
"""

from __future__ import annotations

import ipaddress
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edgecls._lib.files import write_atomic

LASTS = timedelta(days=825)
"""Longer ones are refused by some devices: https://support.apple.com/en-us/103769"""
RENEW = timedelta(days=30)
FLOOR = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""A clock before this is wrong: a board without a battery wakes in 1970."""


def ensure(
    certificate_path: Path,
    key_path: Path,
    names: tuple[str, ...],
    *,
    also: tuple[str, ...] = (),
    now: datetime,
) -> bool:
    """Make what is missing or ends soon; tell whether there is a new certificate.

    Raises:  OSError when a file cannot be read or written.
    """
    now = max(now, FLOOR)
    key = _read_key(key_path)
    certificate = _read_certificate(certificate_path)
    if key and certificate and _serves(certificate, key, names, now):
        return False
    if key is None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_atomic(key_path, pem, mode=0o600)
    made = _certificate(key, tuple(dict.fromkeys((*names, *also))), now)
    write_atomic(certificate_path, made.public_bytes(serialization.Encoding.PEM))
    return True


def _certificate(
    key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], now: datetime
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edgecls")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _serves(
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...],
    now: datetime,
) -> bool:
    """Tell whether `certificate` belongs to `key`, lasts, and has all the names."""
    if certificate.public_key() != key.public_key():
        return False
    if certificate.not_valid_after_utc - now < RENEW:
        return False
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    return {_general(name) for name in names} <= set(extension.value)


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    """Return the key; None when there is none or it is damaged."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _read_certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def main(arguments: list[str]) -> None:
    """Do what the command line asks."""
    certificate, key, *names = arguments
    also: list[str] = []
    if "--also" in names:
        at = names.index("--also")
        names, also = names[:at], names[at + 1 :]
    now = datetime.now(timezone.utc)
    ensure(Path(certificate), Path(key), tuple(names), also=tuple(also), now=now)


if __name__ == "__main__":
    main(sys.argv[1:])
