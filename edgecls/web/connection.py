"""A connection of the page that does not wait for ever: its place is another's after a while.

uvicorn lets go of who is silent after an answer, but not of who never asks (slow HTTP denial of
service, https://owasp.org/www-community/attacks/Slow_Http_DoS).
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S = 30.0


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 on a connection that is cut when a request is not whole within `request_s`.

    Counted from the connection's beginning, behind TLS from the end of its handshake, and from
    each answer's end. A byte now and then does not help. An answer under way is never cut.
    """

    request_s: ClassVar[float] = REQUEST_S
    _overdue: asyncio.TimerHandle | None = None

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

    @property
    def _owed(self) -> bool:
        """Tell whether the other end is the one to send: what remains of a request, or the next."""
        cycle = self.cycle  # of the last request whose head has come
        if cycle is None or cycle.response_complete:
            return True
        return cycle.more_body and not cycle.response_started

    def _watch(self) -> None:
        """Let the timer run while the other end is to send, and only then."""
        if self.transport.is_closing() or not self._owed:
            self._stop_watch()
        elif self._overdue is None:
            self._overdue = self.loop.call_later(self.request_s, self._cut)

    def _stop_watch(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _cut(self) -> None:
        self._overdue = None
        if self._owed:  # an early answer may have begun meanwhile
            self.transport.abort()  # a polite end would wait again, for TLS's last word
