"""Who is logged in: random tokens, known to this process only. A restart logs everybody out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

SESSIONS_MAX = 200
OPEN = "open"
"""What form tokens are bound to where there is no login."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is logged in.

    Args:    mark: of the account's password; another password ends the session.
             began_s, used_s: monotonic seconds.
    """

    account: str
    mark: str
    began_s: float
    used_s: float


class Sessions:
    """Begin, find and end sessions; may be shared by threads.

    Args:    idle_s: a session unused for so long has ended.   max_s: so has one this old.
             clock: monotonic seconds.
    """

    def __init__(self, *, idle_s: float, max_s: float, clock: Callable[[], float]) -> None:
        self._idle_s = idle_s
        self.max_s = max_s
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._turn = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def begin(self, account: str, mark: str) -> str:
        """Return the token of a new session; when there are too many, the longest unused ends."""
        token = secrets.token_urlsafe(32)
        now_s = self._clock()
        with self._turn:
            self._sessions[_name(token)] = Session(account, mark, now_s, now_s)
            if len(self._sessions) > SESSIONS_MAX:
                del self._sessions[min(self._sessions, key=lambda k: self._sessions[k].used_s)]
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of `token`, and count this as a use; None when it has ended."""
        name, now_s = _name(token), self._clock()
        with self._turn:
            session = self._sessions.get(name)
            if session is None:
                return None
            if now_s - session.used_s > self._idle_s or now_s - session.began_s > self.max_s:
                del self._sessions[name]
                return None
            self._sessions[name] = replace(session, used_s=now_s)
            return session

    def end(self, token: str) -> None:
        with self._turn:
            self._sessions.pop(_name(token), None)

    def end_all(self, account: str) -> None:
        """End every session of an account."""
        with self._turn:
            for name in [n for n, s in self._sessions.items() if s.account == account]:
                del self._sessions[name]

    def form_token(self, bound_to: str) -> str:
        """Return what a form must send back, from a page that only `bound_to` can read."""
        return hmac.new(self._key, bound_to.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, text: str, bound_to: str) -> bool:
        return hmac.compare_digest(text.encode(), self.form_token(bound_to).encode())


def _name(token: str) -> str:
    """Return what a session is kept under: reading this process' memory shows no token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
