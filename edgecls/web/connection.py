"""A connection of the page that does not wait for ever: its place is another's after a while.

uvicorn lets go of who is silent after an answer, but not of who never asks (slow HTTP denial of
service, https://owasp.org/www-community/attacks/Slow_Http_DoS).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 30.0
TCP_INFO_BYTES = 148
UNACKED, ACKED_BYTES, NOT_SENT_BYTES = ("=I", 24), ("=Q", 120), ("=I", 144)
"""Where tcpi_unacked, tcpi_bytes_acked and tcpi_notsent_bytes are in tcp_info, <linux/tcp.h>."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How far what was sent has come: what the other end has taken, and whether more waits."""

    taken_bytes: int = 0
    more: bool = False


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 on a connection that is cut when a request is not whole within `request_s`.

    Counted from the connection's beginning, behind TLS from the end of its handshake, and from
    each answer's end. A byte now and then does not help. An answer under way is not cut while
    the other end takes some of it within each `request_s`, however slowly.
    """

    request_s: ClassVar[float] = REQUEST_S
    _overdue: asyncio.TimerHandle | None = None
    _sent = Sent()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_watch()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that asks nothing more, but not while its answer is being taken."""
        if sent(self.transport).more:  # uvicorn calls an answer complete when asyncio has it
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            super().timeout_keep_alive_handler()

    @property
    def _owed(self) -> bool:
        """Tell whether the other end is the one to send: what remains of a request, or the next."""
        cycle = self.cycle  # of the last request whose head has come
        if cycle is None or cycle.response_complete:
            return True
        return cycle.more_body and not cycle.response_started

    def _watch(self) -> None:
        """Let the timer run while the other end is to send, or to take what was sent."""
        if not self._owed:
            self._stop_watch()
        elif self._overdue is None:
            self._sent = sent(self.transport)
            self._overdue = self.loop.call_later(self.request_s, self._look)

    def _stop_watch(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _look(self) -> None:
        self._overdue = None
        now = sent(self.transport)
        if now.more and now.taken_bytes > self._sent.taken_bytes:
            self._watch()
        elif self._owed:  # an early answer may have begun meanwhile
            self.transport.abort()  # a polite end would wait again, for TLS's last word


def sent(transport: asyncio.BaseTransport) -> Sent:
    """Ask the kernel how far a TCP connection has come: behind TLS, asyncio does not tell.

    Returns: nothing taken and nothing waiting, where the kernel does not tell either.
    """
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None:  # of a TLS connection that has ended
        return Sent()
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    except OSError:  # it is closed
        return Sent()
    if len(info) < TCP_INFO_BYTES:  # before Linux 4.6, and under emulators of user programs
        return Sent()
    (unacked,), (taken,), (not_sent,) = (
        struct.unpack_from(form, info, place)
        for form, place in (UNACKED, ACKED_BYTES, NOT_SENT_BYTES)
    )
    return Sent(taken, unacked > 0 or not_sent > 0)
