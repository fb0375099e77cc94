"""Serve the page from a thread of its own, inside the daemon."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from types import TracebackType

import uvicorn
from typing_extensions import Self

from edgecls.errors import PageError
from edgecls.web.app import app_from_household
from edgecls.web.source import Household

log = logging.getLogger(__name__)

START_S = 10.0
STOP_S = 2.0
CONNECTIONS_MAX = 32


class _Server(uvicorn.Server):
    """uvicorn, telling when it serves. It takes no signals outside the main thread."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serving.set()


class PageServer:
    """Serve `household`'s page on `host` and `port` between entering and leaving.

    Args:    port: 0 takes any free one; `url` tells which.
    Raises:  PageError on entering when the port is taken or forbidden.
    """

    def __init__(self, household: Household, host: str, port: int) -> None:
        self._household = household
        self._host = host
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Return the address to open, once entered."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def __enter__(self) -> Self:
        listener = _listener(self._host, self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            app_from_household(self._household),
            http="h11",
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
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.warning("the page did not stop within %g s", STOP_S)
            self._server.force_exit = True
        self._server = self._thread = None


def _listener(host: str, port: int) -> socket.socket:
    """Return a listening socket; whoever connects from now on is served."""
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
