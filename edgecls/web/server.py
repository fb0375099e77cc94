"""Serve the page from a thread of its own, inside the daemon."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import uvicorn
from starlette.applications import Starlette
from typing_extensions import Self

from edgecls.errors import PageError
from edgecls.sections.web import WebSection
from edgecls.web.access import Access
from edgecls.web.accounts import Accounts
from edgecls.web.addresses import Hosts, own_addresses, own_names
from edgecls.web.app import Frontage, app_from_household, utc_now
from edgecls.web.attempts import Attempts
from edgecls.web.connection import BoundedProtocol
from edgecls.web.first_account import make_first_account
from edgecls.web.sessions import Sessions
from edgecls.web.source import Household
from edgecls.web.tls import Tls

log = logging.getLogger(__name__)

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (compared with, not bound to)
START_S = 10.0
STOP_S = 2.0
CONNECTIONS_MAX = 32
SILENT_MS = 30_000
"""A phone that left without a word is gone after so long: it holds a place among the viewers."""


class _Server(uvicorn.Server):
    """uvicorn, telling when it serves. It takes no signals outside the main thread."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serving.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):  # those that would not end
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)  # let the loop close them, before it ends itself


class PageServer:
    """Serve `household`'s page, as the section says, between entering and leaving.

    Args:    section: port 0 takes any free one; `url` tells which.
             folder: holds the accounts and the page's own certificate.
             announce: is told the address, and the first account if one is made.
             protocol: of each connection.
    Raises:  PageError on entering when the port is taken or forbidden, or a certificate is wrong;
             AccountError when accounts cannot be read, or the first one not be made.
    """

    def __init__(
        self,
        household: Household,
        section: WebSection,
        folder: Path,
        *,
        announce: Callable[[str], None] = lambda _: None,
        protocol: type[BoundedProtocol] = BoundedProtocol,
    ) -> None:
        self._household = household
        self._section = section
        self.accounts = Accounts(folder)
        self._announce = announce
        self._protocol = protocol
        self._port = section.port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._tls = _tls(section, folder) if section.encrypted else None

    @property
    def url(self) -> str:
        """Return the address to open, once entered."""
        host = self._section.host
        if host in EVERYWHERE:
            host = next(iter(own_addresses()), "127.0.0.1")
        scheme = "https" if self._section.encrypted else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def fingerprint(self) -> str | None:
        """Return the SHA-256 of a certificate that was made here; None when there is none."""
        own = self._tls is not None and self._section.tls != "given"
        return self._tls.fingerprint if own and self._tls else None

    def __enter__(self) -> Self:
        if self._tls is not None:
            self._tls.load()
        listener = _listener(self._section.host, self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app(),
            http=self._protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=1,
        )
        config.load()
        if self._tls is not None:
            config.ssl = self._tls.context
            self._tls.start()
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="page", daemon=True
        )
        self._thread.start()
        if not self._server.serving.wait(START_S):
            self.close()
            raise PageError(
                f"the page did not start within {START_S:g} s",
                hint="see with `top` what else keeps this machine busy",
            )
        try:
            self._tell()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; open connections are cut. May be called twice.

        Returns after 2 s at most. A thread that has not ended by then is told to drop whatever it
        does, and left behind: it ends by itself, or with the process, which does not wait for it.
        """
        if self._tls is not None:
            self._tls.close()
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.warning("the page did not stop within %g s", STOP_S)
            self._server.force_exit = True
        self._server = self._thread = None

    def _tell(self) -> None:
        """Say where the page is and how to get in; make the first account if there is none."""
        self._announce(f"page: {self.url}")
        if self.fingerprint is not None:
            self._announce(f"certificate: made here, SHA-256 {self.fingerprint}")
        if not self._section.login:
            reach = "on this machine" if self._section.loopback else "on its network"
            self._announce(f"login: none, everybody {reach} may open the page")
            return
        file = self._section.first_password_file
        make_first_account(self.accounts, file, now=utc_now(), announce=self._announce)

    def _app(self) -> Starlette:
        section = self._section
        secure = section.encrypted
        access = Access(
            self.accounts,
            Sessions(
                idle_s=section.session_idle_s, max_s=section.session_max_s, clock=time.monotonic
            ),
            Attempts(time.monotonic),
            now=utc_now,
            login=section.login,
            secure=secure,
            cookie=f"{'__Host-' if secure else ''}edgecls-{self._port}",
            first_password_file=section.first_password_file,
        )
        frontage = Frontage(
            hosts=Hosts(loopback=section.loopback, names=section.host_names),
            hsts=secure and section.tls == "given" and section.hsts,
            live_fps=section.live_fps,
            viewers_max=section.viewers_max,
            stopping=lambda: self._server is None or self._server.should_exit,
        )
        return app_from_household(self._household, access, frontage)


def _tls(section: WebSection, folder: Path) -> Tls:
    """Return the TLS of a page that is encrypted."""
    if section.certificate is not None and section.key is not None:
        return Tls(section.certificate, section.key)
    own, host = own_names(), section.host
    return Tls(
        folder / "tls" / "certificate.pem",
        folder / "tls" / "key.pem",
        names=(*own, *section.host_names, *(() if host in EVERYWHERE else (host,))),
        also=own_addresses(),
    )


def _listener(host: str, port: int) -> socket.socket:
    """Return a listening socket; whoever connects from now on is served."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise _refusal(host, port, error) from error
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_MS)
        # a phone that left without a word must not hold its place for ever
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        listener.bind(address)
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise _refusal(host, port, error) from error
    return listener


def _refusal(host: str, port: int, error: OSError) -> PageError:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8080
        return PageError(
            f"port {port} of {host} is taken by another program, expected a free one for the page",
            hint=f"choose another: --port {other}, or --port 0 for any",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return PageError(
            f"port {port} of {host} is not allowed to this user", hint="choose one from 1024 up"
        )
    return PageError(
        f"the page cannot listen on {host} port {port}: {error.strerror}",
        hint="set host or port in the [web] section; enabled = false runs without the page",
    )
