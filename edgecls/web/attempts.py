"""Slow down who guesses passwords: by address and by account, a pause that doubles."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE = 3
"""Wrong passwords before the first pause."""
FIRST_PAUSE_S = 2.0
PAUSE_MAX_S = {"address": 900.0, "account": 30.0}
"""An account's pause stays short: a stranger must not lock out the household for long."""
FORGOTTEN_S = 3600.0
KEYS_MAX = 2000

Key = tuple[str, str]


@dataclass(slots=True)
class _Count:
    failures: int
    last_s: float


class Attempts:
    """Count attempts to log in; may be shared by threads. Args: clock: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._counts: OrderedDict[Key, _Count] = OrderedDict()

    def begin(self, address: str, account: str) -> float:
        """Count an attempt as failed until `succeeded` says otherwise.

        Returns: 0 when it may be made now, else the seconds to wait; then it is not counted.
        """
        keys = _keys(address, account)
        now_s = self._clock()
        with self._turn:
            wait_s = max(self._wait_s(key, now_s) for key in keys)
            if wait_s > 0:
                return wait_s
            for key in keys:
                count = self._counts.setdefault(key, _Count(0, now_s))
                count.failures, count.last_s = count.failures + 1, now_s
                self._counts.move_to_end(key)
            while len(self._counts) > KEYS_MAX:
                self._counts.popitem(last=False)
            return 0.0

    def succeeded(self, address: str, account: str) -> None:
        """Forget what was counted for these."""
        with self._turn:
            for key in _keys(address, account):
                self._counts.pop(key, None)

    def _wait_s(self, key: Key, now_s: float) -> float:
        count = self._counts.get(key)
        if count is None:
            return 0.0
        if now_s - count.last_s > FORGOTTEN_S:
            del self._counts[key]
            return 0.0
        if count.failures < FREE:
            return 0.0
        doubled = FIRST_PAUSE_S * 2.0 ** min(count.failures - FREE, 30)
        return count.last_s + min(doubled, PAUSE_MAX_S[key[0]]) - now_s


def _keys(address: str, account: str) -> tuple[Key, Key]:
    return ("address", _neighbourhood(address)), ("account", account.strip().lower()[:64])


def _neighbourhood(address: str) -> str:
    """Return an IPv6 address' network, for one machine may have all of it; others unchanged."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
