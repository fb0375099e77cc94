"""The page's TLS: a certificate that is given, or one of its own that is renewed in time."""

from __future__ import annotations

import hashlib
import logging
import ssl
import subprocess
import sys
import threading
from pathlib import Path

from edgecls._lib import proc
from edgecls.errors import EdgeclsError, PageError
from edgecls.logs import RepeatedError
from edgecls.web.addresses import LOOPBACK_NAMES

log = logging.getLogger(__name__)

MAKER = "edgecls.web.certificate_child"
MAKE_S = 60.0
LOOK_S = 86_400.0
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all good."""


class Tls:
    """Hold the context that the page's connections use; once a day look at the files again.

    Args:    certificate, key: PEM files.
             names: host names for a certificate made here, which must have them all; None: it is
             given.   also: names that a new one gets too, but that need no new one.
    """

    def __init__(
        self,
        certificate: Path,
        key: Path,
        *,
        names: tuple[str, ...] | None = None,
        also: tuple[str, ...] = (),
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._names = names
        self._also = also
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = RepeatedError(log, "cannot renew the page's certificate")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_ciphers(CIPHERS)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the certificate, as browsers show it."""
        pem = self._certificate.read_text(encoding="ascii", errors="replace")
        first = pem[: pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[first.index(ssl.PEM_HEADER) :]))
        return ":".join(f"{byte:02X}" for byte in digest.digest())

    def load(self) -> None:
        """Make the certificate where it is ours and needs it, and use what the files say.

        Connections that are open go on with what they have.

        Raises:  PageError when it cannot be made or used.
        """
        if self._names is not None:
            self._make(self._names)
        try:
            self.context.load_cert_chain(self._certificate, self._key)
        except (OSError, ssl.SSLError) as error:  # an SSLError is an OSError whose file is unnamed
            raise PageError(
                f"cannot use {self._certificate} with {self._key}: {_reason(error)}",
                hint="expected two PEM files that belong together, the key without a password",
            ) from error

    def start(self) -> None:
        """Look at the files every day from now on, in a thread of its own."""
        self._thread = threading.Thread(target=self._look_daily, name="certificate", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking. May be called twice, and before `start`."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _look_daily(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        try:
            self.load()
        except EdgeclsError as error:
            self._trouble.failed(error)
        else:
            self._trouble.recovered()

    def _make(self, names: tuple[str, ...]) -> None:
        try:
            self._key.parent.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", MAKER, str(self._certificate), str(self._key)]
            wanted = dict.fromkeys((*LOOPBACK_NAMES, *names))
            proc.run([*command, *wanted, "--also", *self._also], timeout_s=MAKE_S)
        except (OSError, subprocess.SubprocessError) as error:
            told = str(getattr(error, "stderr", "") or error).strip().splitlines()
            raise PageError(
                f"cannot make a certificate in {self._key.parent}: {told[-1] if told else error}",
                hint='give one of your own: web.tls = "given" with certificate and key',
            ) from error


def _reason(error: OSError) -> str:
    return (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or str(error)
