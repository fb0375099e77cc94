"""An address that swallows everything, as IPv6 does where its way out is broken."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from edgecls.sinks.dial import Address, resolve


@contextlib.contextmanager
def dead_address() -> Iterator[Address]:
    """Listen on loopback with a full queue: whoever connects hears nothing."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        where = listener.getsockname()
        for _ in range(4):  # Linux takes one more than it is told
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(where)
        (address,) = resolve(*where)
        yield address
