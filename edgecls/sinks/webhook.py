"""An address that is told of each event by POST, signed with a shared secret."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from types import TracebackType
from urllib.parse import urlsplit

from typing_extensions import Self

from edgecls import __version__
from edgecls._lib.deadline import Deadline
from edgecls._lib.slug import slug
from edgecls._lib.urls import public_url
from edgecls.errors import ConfigError, SinkError
from edgecls.sections.secret import secret_from
from edgecls.sections.sinks import WebhookSinkSection
from edgecls.sinks.dial import Resolve, dial, resolve
from edgecls.sinks.event_object import object_from_event
from edgecls.types import Event

log = logging.getLogger(__name__)

SECRET_CHARACTERS_MIN = 16
ANSWER_BYTES_MAX = 65_536
TIMESTAMP, SIGNATURE, EVENT_ID = "Edgecls-Timestamp", "Edgecls-Signature", "Edgecls-Event-Id"
RETRYABLE = frozenset({408, 421, 423, 425, 429})
"""Of the refusals, 400 to 499: those that a later try may escape. From 500 on all may."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return HMAC-SHA256 (RFC 2104) of timestamp, a dot and the body, as "sha256=" and hex."""
    key, signed = secret.encode("utf-8"), timestamp.encode("ascii") + b"." + body
    return "sha256=" + hmac.new(key, signed, hashlib.sha256).hexdigest()


class WebhookSink:
    """POST each event as JSON, on a connection of its own. No redirect is followed.

    Args:    cameras, restart: for other sinks.   now: the wall clock, UTC.
             resolve: returns the addresses of a host.
    """

    def __init__(
        self,
        section: WebhookSinkSection,
        *,
        cameras: Sequence[str] = (),
        restart: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        resolve: Resolve = resolve,
    ) -> None:
        del cameras, restart
        self._resolve = resolve
        self._section = section
        self._now = now
        self._device = f"edgecls-{slug(socket.gethostname())}"
        self._secret = ""
        self._context: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        """Read the secret. Raises: ConfigError for a file that cannot be used, a short secret."""
        section = self._section
        self._secret = secret_from(section.secret, section.secret_file, field="secret_file") or ""
        if len(self._secret) < SECRET_CHARACTERS_MIN:
            raise ConfigError(
                f"the secret of sink {section.name!r} has {len(self._secret)} characters, "
                f"expected at least {SECRET_CHARACTERS_MIN}",
                hint="openssl rand -hex 32 > webhook-secret",
            )
        if section.url.startswith("https"):
            try:
                self._context = ssl.create_default_context(cafile=section.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise ConfigError(
                    f"cannot use ca_file {section.ca_file}: {error}", hint="it is a PEM file"
                ) from error
        return self

    def close(self) -> None:
        """Nothing is held between deliveries."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def deliver(self, event: Event, snapshot: bytes | None) -> None:
        """POST one event; see `ports.Sink`."""
        told = object_from_event(event, device=self._device)
        if self._section.pictures:
            jpeg = None if snapshot is None else base64.b64encode(snapshot).decode("ascii")
            told["snapshot_jpeg_base64"] = jpeg
        body = json.dumps(told, ensure_ascii=False).encode("utf-8")
        timestamp = str(int(self._now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"edgecls/{__version__}",
            TIMESTAMP: timestamp,
            SIGNATURE: signature(self._secret, timestamp, body),
            EVENT_ID: str(event.id),
        }
        where = public_url(self._section.url)
        try:
            status = self._posted(body, headers)
        except SinkError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise SinkError(f"{where}: {error or type(error).__name__}", retryable=True) from error
        except ValueError as error:  # an address that no request can be made of
            raise SinkError(f"{where}: cannot be asked: {error}", retryable=False) from error
        if not 200 <= status < 300:
            retryable = status >= 500 or status in RETRYABLE
            raise SinkError(f"{where} answered {status}, expected 200", retryable=retryable)

    def _posted(self, body: bytes, headers: dict[str, str]) -> int:
        """Send one request; return the status.

        Raises:  SinkError when nobody is there.   OSError, HTTPException for what fails later.
        """
        deadline = Deadline(self._section.timeout_s)
        parts = urlsplit(self._section.url)
        target = parts.path or "/"
        if parts.query:
            target += f"?{parts.query}"
        with contextlib.ExitStack() as ends:
            try:
                connection = self._connected(parts.hostname or "", parts.port, deadline, ends)
            except OSError as error:
                where, timeout_s = public_url(self._section.url), self._section.timeout_s
                why = f"no connection within {timeout_s:g} s" if deadline.passed else error
                raise SinkError(f"{where}: {why}", retryable=True, reached=False) from error
            try:
                connection.request("POST", target, body, headers)
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                if deadline.passed:
                    raise TimeoutError(f"no answer within {self._section.timeout_s:g} s") from error
                raise
            with response:
                _read_out(response, deadline)
            return response.status

    def _connected(
        self, host: str, port: int | None, deadline: Deadline, ends: contextlib.ExitStack
    ) -> http.client.HTTPConnection:
        """Connect, with TLS where the address asks for it; `ends` takes the connection down.

        Raises:  OSError, when the deadline has passed as well.
        """
        context = self._context
        port = port or (http.client.HTTP_PORT if context is None else http.client.HTTPS_PORT)
        connection = (
            http.client.HTTPConnection(host, port)
            if context is None
            else http.client.HTTPSConnection(host, port, context=context)
        )
        ends.callback(connection.close)
        sock = ends.enter_context(dial(host, port, deadline, resolve=self._resolve))
        sock.settimeout(self._section.timeout_s)
        if context is None:
            ends.enter_context(_cut_at(deadline, sock))
        else:
            secured = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            sock = ends.enter_context(secured)
            ends.enter_context(_cut_at(deadline, secured))
            secured.do_handshake()
        if deadline.passed:  # what has not been asked is not taken twice when it is asked again
            raise TimeoutError
        connection.sock = sock
        return connection


def _read_out(response: http.client.HTTPResponse, deadline: Deadline) -> None:
    """Let the other end finish what it says, in time and within bounds: its status is known."""
    read = 0
    with contextlib.suppress(OSError, http.client.HTTPException):
        while read < ANSWER_BYTES_MAX and not deadline.passed and (chunk := response.read1(4096)):
            read += len(chunk)


@contextlib.contextmanager
def _cut_at(deadline: Deadline, sock: socket.socket) -> Iterator[None]:
    """End whatever waits on the socket then: a peer that dribbles resets every other timeout."""
    cut = threading.Timer(deadline.remaining_s, _cut, (sock,))
    cut.daemon = True
    cut.start()
    try:
        yield
    finally:
        cut.cancel()


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS's own, which forgets its state
