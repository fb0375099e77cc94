"""Tell the service manager how the daemon fares, in the protocol of sd_notify(3).

One datagram per message, to the socket that NOTIFY_SOCKET names. Without a manager, nothing is
sent. No library is needed: the protocol is a few lines of text.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

SOCKET, WATCHDOG_USEC, WATCHDOG_PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
STATUS_MAX = 200
FEEDS_PER_WATCHDOG = 4
"""How often within the watchdog's time it is fed at most: more would say nothing new."""


class Notifier:
    """Speak to the service manager; a manager that is gone never stops the watch.

    Args:    address: of its socket: a path, or "@name" for an abstract one; None without a manager.
             watchdog_s: it ends a daemon that has not fed it for so long; None without a watchdog.
             clock: monotonic seconds, of the clock that the manager uses too.
    """

    def __init__(
        self,
        address: str | None,
        *,
        watchdog_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.watchdog_s = watchdog_s
        self._address = None if address is None else _address_from_text(address)
        self._clock = clock
        self._fed_s: float | None = None
        self._status = ""

    def ready(self, status: str) -> None:
        """Say that start-up, or a reload, is over."""
        self._status = status[:STATUS_MAX]
        self._send(f"READY=1\nSTATUS={_one_line(self._status)}")

    def status(self, text: str) -> None:
        """Say in one line what goes on; `systemctl status` shows it."""
        text = text[:STATUS_MAX]
        if text != self._status:
            self._status = text
            self._send(f"STATUS={_one_line(text)}")

    def reloading(self) -> None:
        """Say that the configuration is read anew; `ready` ends that."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={round(self._clock() * 1e6)}")

    def stopping(self) -> None:
        """Say that the daemon ends by itself."""
        self._send("STOPPING=1")

    def feed(self) -> None:
        """Say that the work goes on. To be called for work done, never by a timer."""
        if self.watchdog_s is None:
            return
        now_s = self._clock()
        if self._fed_s is None or now_s - self._fed_s >= self.watchdog_s / FEEDS_PER_WATCHDOG:
            self._fed_s = now_s
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.sendto(message.encode("utf-8"), self._address)
        except OSError as error:
            log.debug("the service manager was not told %r: %s", message, error)


def notifier_from_environment(
    environment: Mapping[str, str] = os.environ,
    *,
    pid: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Notifier:
    """Return who tells the manager that started this process, if one did.

    Args:    pid: of this process; a watchdog that is meant for another one is not fed.
    """
    watchdog_s = None
    with contextlib.suppress(ValueError):  # a broken setting is none
        whose = int(environment.get(WATCHDOG_PID, pid or os.getpid()))
        us = int(environment.get(WATCHDOG_USEC, 0))
        if us > 0 and whose == (pid or os.getpid()):
            watchdog_s = us / 1e6
    return Notifier(environment.get(SOCKET) or None, watchdog_s=watchdog_s, clock=clock)


def _address_from_text(text: str) -> str | None:
    """Return what sendto takes; None for an address of a kind that we do not speak."""
    if text.startswith("@"):
        return "\0" + text[1:]
    if text.startswith("/"):
        return text
    log.warning("%s is %r, expected a path or an abstract socket", SOCKET, text)
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
