"""What decides who may do what: accounts, tokens, sessions, attempts."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from edgecls.web.accounts import Account, Accounts
from edgecls.web.attempts import Attempts
from edgecls.web.passwords import NOBODYS_HASH, matches
from edgecls.web.sessions import OPEN, Sessions

log = logging.getLogger(__name__)

RIGHTS = {
    "press": frozenset({"press"}),
    "read": frozenset({"read"}),
    "full": frozenset({"press", "read", "change"}),
}
"""What a token of each scope may do."""
ALL = RIGHTS["full"]
HASHING_MAX = 3
"""Attempts to log in that may wait for the processor at the same time; one of them computes."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request.

    Args:    account: None where there is no login, and for a token.
             session: the token of its session, None without one.
             form_binding: what its forms' tokens are bound to; None for a program's token.
             must_change: the password was for one login only.
    """

    rights: frozenset[str]
    account: str | None = None
    session: str | None = None
    form_binding: str | None = None
    must_change: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt to log in.

    Args:    session: the new session's token; None when it failed.
             wait_s: above 0 when it was not even tried: come again so much later.
    """

    session: str | None = None
    wait_s: float = 0.0


@dataclass(frozen=True)
class Access:
    """Decide who is who.

    Args:    login: False lets everybody in.   cookie: its name.
             secure: the page speaks TLS.   now: the wall clock, UTC.
             first_password_file: removed at the first login with its password.
    """

    accounts: Accounts
    sessions: Sessions
    attempts: Attempts
    now: Callable[[], datetime]
    login: bool = True
    secure: bool = False
    cookie: str = "edgecls"
    first_password_file: Path | None = None
    _waiting: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(HASHING_MAX)
    )
    _hashing: threading.Lock = field(default_factory=threading.Lock)

    def visitor(self, session: str | None, bearer: str | None) -> Visitor | None:
        """Return who comes with this cookie or this token; None for nobody we know.

        Raises:  AccountError when the accounts cannot be read.
        """
        if bearer is not None:
            token = self.accounts.token(bearer)
            return None if token is None else Visitor(RIGHTS[token.scope])
        if not self.login:
            return Visitor(ALL, form_binding=OPEN)
        found = self.sessions.find(session) if session else None
        if session is None or found is None:
            return None
        account = self.accounts.find(found.account)
        if account is None or _mark(account) != found.mark:
            self.sessions.end(session)
            return None
        return Visitor(
            ALL,
            account=account.name,
            session=session,
            form_binding=session,
            must_change=account.one_time,
        )

    def log_in(self, address: str, name: str, password: str) -> Outcome:
        """Begin a session if the password is right. Blocks while it is computed."""
        account, wait_s = self._checked(address, name, password)
        if account is None:
            return Outcome(wait_s=wait_s)
        if account.one_time:
            self._remove_first_password()
        log.info("%s has logged in from %s", account.name, address)
        return Outcome(session=self.sessions.begin(account.name, _mark(account)))

    def change_password(self, address: str, name: str, old: str, new: str) -> Outcome:
        """Give an account a new password; all its sessions end, and a new one begins.

        Raises:  AccountError when the new one is too poor or cannot be stored.
        """
        account, wait_s = self._checked(address, name, old)
        if account is None:
            return Outcome(wait_s=wait_s)
        changed = self.accounts.set_password(account.name, new, at=self.now())
        self.sessions.end_all(account.name)
        log.info("%s has changed the password from %s", account.name, address)
        return Outcome(session=self.sessions.begin(account.name, _mark(changed)))

    def _checked(self, address: str, name: str, password: str) -> tuple[Account | None, float]:
        """Return the account if the password is its own, else None and how long to wait.

        An unknown name takes as long as a wrong password.
        """
        wait_s = self.attempts.begin(address, name)
        if wait_s > 0:
            return None, wait_s
        account = self.accounts.find(name)
        with self._place_to_wait() as free:
            if not free:
                return None, 1.0
            with self._hashing:  # one at a time: each needs 19 MiB
                right = matches(account.password_hash if account else NOBODYS_HASH, password)
        if account is None or not right:
            log.warning("a wrong name or password from %s", address)
            return None, 0.0
        self.attempts.succeeded(address, name)
        return account, 0.0

    @contextlib.contextmanager
    def _place_to_wait(self) -> Iterator[bool]:
        free = self._waiting.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._waiting.release()

    def _remove_first_password(self) -> None:
        path = self.first_password_file
        if path is None:
            return
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("cannot remove %s: %s; please do it by hand", path, error.strerror)


def _mark(account: Account) -> str:
    """Return what changes with the account's password."""
    return hashlib.sha256(account.password_hash.encode()).hexdigest()[:32]
