"""A TCP connection to a name, by a deadline, whatever the resolver and dead addresses do."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from edgecls._lib.deadline import Deadline

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]  # Any: per family
Resolve = Callable[[str, int], Sequence[Address]]


def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the TCP addresses of a name, in the system's order; blocks as long as that does."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def dial(host: str, port: int, deadline: Deadline, *, resolve: Resolve = resolve) -> socket.socket:
    """Return a connection to the first address that takes one.

    Each address is given its share of what remains by then, so that one that swallows everything
    (IPv6 without a way out) leaves time for the next and for what is to be said.

    Raises:  OSError, the last address's, when none took it; TimeoutError when the deadline has
             passed; ValueError for a name that no resolver takes.
    """
    addresses = _resolved(host, port, deadline, resolve)
    refused: OSError = OSError(f"{host} has no address")
    for place, (family, kind, protocol, _, address) in enumerate(addresses):
        share_s = deadline.remaining_s / (len(addresses) - place)
        if share_s == 0:
            break
        try:
            with contextlib.ExitStack() as unless_taken:
                sock = unless_taken.enter_context(socket.socket(family, kind, protocol))
                sock.settimeout(share_s)
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                unless_taken.pop_all()
                return sock
        except OSError as error:
            refused = error
    raise refused


def _resolved(host: str, port: int, deadline: Deadline, resolve: Resolve) -> Sequence[Address]:
    """Resolve in a thread: no resolver takes a deadline. One that hangs is left behind."""
    answer: queue.SimpleQueue[Sequence[Address] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(resolve(host, port))
        except Exception as error:  # as it is: raised again below
            answer.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=deadline.remaining_s)
    except queue.Empty:
        raise TimeoutError(f"no address of {host} in time") from None
    if isinstance(found, Exception):
        raise found
    return found
