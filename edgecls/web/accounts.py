"""Who may open the page: accounts and tokens, in one file of the store's folder, mode 0600.

Programs hold tokens: random, so a plain SHA-256 of them is kept. The file is read anew when it has
changed, so that what `edgecls user` writes counts at once in a daemon that runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgecls._lib.files import write_atomic
from edgecls.errors import AccountError
from edgecls.web.passwords import hash_password, password_fault

FILE_NAME, LOCK_NAME = "accounts.json", "accounts.lock"
FIRST_NAME = "owner"
MODE = 0o600

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
Scope = Literal["press", "read", "full"]
Kind = TypeVar("Kind", bound=BaseModel)


class Account(BaseModel):
    """Somebody who logs in. `one_time`: the password must be changed at the next login."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    password_hash: str = Field(pattern=r"^\$argon2id\$")
    one_time: bool = False
    since: datetime


class Token(BaseModel):
    """A program that asks without logging in. `press` may ring only, `full` may change things."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scope: Scope
    since: datetime


class _Content(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_number: Literal[1] = Field(1, alias="schema")
    accounts: tuple[Account, ...] = ()
    tokens: tuple[Token, ...] = ()


class Accounts:
    """The accounts of one store; may be shared by threads, and by processes.

    Args:    folder: the store's; made when something is written first.
    Raises:  AccountError when the file is damaged, cannot be read, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME
        self._turn = threading.Lock()
        self._known: tuple[tuple[int, int, int] | None, _Content] = (None, _Content())

    def all(self) -> tuple[Account, ...]:
        return self._content().accounts

    def tokens(self) -> tuple[Token, ...]:
        return self._content().tokens

    def find(self, name: str) -> Account | None:
        """Return an account; names are compared in lower case."""
        return next((a for a in self.all() if a.name == name.strip().lower()), None)

    def token(self, text: str) -> Token | None:
        """Return who holds the token `text`."""
        digest = _digest(text)
        found = [t for t in self.tokens() if secrets.compare_digest(t.sha256, digest)]
        return found[0] if found else None

    def add(self, name: str, password: str, *, at: datetime, one_time: bool = False) -> Account:
        """Make an account. Raises: AccountError if there is one, for a poor name or password."""
        account = _account(name, password, at, one_time=one_time)

        def change(content: _Content) -> _Content:
            if any(other.name == account.name for other in content.accounts):
                raise AccountError(
                    f"there is an account {account.name!r} already, expected a new name",
                    hint=f"edgecls user password {account.name} gives it another password",
                )
            return content.model_copy(update={"accounts": (*content.accounts, account)})

        self._change(change)
        return account

    def set_password(
        self, name: str, password: str, *, at: datetime, one_time: bool = False
    ) -> Account:
        """Give an account another password; whoever is logged in with the old one is out."""
        account = _account(name, password, at, one_time=one_time)

        def change(content: _Content) -> _Content:
            _expect(account.name, content.accounts, "account")
            changed = tuple(account if a.name == account.name else a for a in content.accounts)
            return content.model_copy(update={"accounts": changed})

        self._change(change)
        return account

    def remove(self, name: str) -> None:
        """Remove an account. Raises: AccountError if there is none, or it is the last."""

        def change(content: _Content) -> _Content:
            _expect(name, content.accounts, "account")
            if len(content.accounts) == 1:
                raise AccountError(
                    f"{name!r} is the last account: without it nobody could open the page",
                    hint="add another first: edgecls user add NAME",
                )
            left = tuple(a for a in content.accounts if a.name != name)
            return content.model_copy(update={"accounts": left})

        self._change(change)

    def add_token(self, name: str, scope: Scope, *, at: datetime) -> str:
        """Make a token and return it; it is never shown again."""
        text = f"ecls_{secrets.token_urlsafe(32)}"
        token = _checked(Token, name=name, sha256=_digest(text), scope=scope, since=at)

        def change(content: _Content) -> _Content:
            if any(other.name == name for other in content.tokens):
                raise AccountError(
                    f"there is a token {name!r} already, expected a new name",
                    hint=f"edgecls user token-remove {name}",
                )
            return content.model_copy(update={"tokens": (*content.tokens, token)})

        self._change(change)
        return text

    def remove_token(self, name: str) -> None:
        """Remove a token. Raises: AccountError if there is none of this name."""

        def change(content: _Content) -> _Content:
            _expect(name, content.tokens, "token")
            left = tuple(t for t in content.tokens if t.name != name)
            return content.model_copy(update={"tokens": left})

        self._change(change)

    def _content(self) -> _Content:
        """Return what the file says; it is read only when it has changed."""
        with self._turn, _file_errors(self._path):
            try:
                stat = self._path.stat()
            except FileNotFoundError:
                return _Content()
            mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._known[0] != mark:
                self._known = (mark, _parsed(self._path.read_bytes(), self._path))
            return self._known[1]

    def _change(self, change: Callable[[_Content], _Content]) -> None:
        with _file_errors(self._path):
            self._folder.mkdir(parents=True, exist_ok=True)
            _expect_own(self._folder)
            with _locked(self._folder / LOCK_NAME):
                content = change(self._content())
                data = content.model_dump_json(by_alias=True, indent=2).encode() + b"\n"
                write_atomic(self._path, data, mode=MODE)


def _account(name: str, password: str, at: datetime, *, one_time: bool) -> Account:
    fault = password_fault(password)
    if fault:
        raise AccountError(fault, hint="several words in a row are long and easy to keep in mind")
    digest = hash_password(password)
    return _checked(Account, name=name, password_hash=digest, one_time=one_time, since=at)


def _checked(kind: type[Kind], *, name: str, **values: object) -> Kind:
    try:
        return kind.model_validate({"name": name, **values})
    except ValidationError as error:
        raise AccountError(
            f"{name!r} cannot be a name, expected 1 to 32 of a to z, 0 to 9, dot, dash, underscore",
            hint="for example: owner, anna, home-assistant",
        ) from error


def _expect(name: str, known: tuple[Account, ...] | tuple[Token, ...], what: str) -> None:
    names = [item.name for item in known]
    if name not in names:
        raise AccountError(
            f"there is no {what} {name!r}, expected one of: {', '.join(names) or 'none yet'}",
            hint="edgecls user list",
        )


def _expect_own(folder: Path) -> None:
    """Refuse to write as another user: the daemon could not read the file any more."""
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        name = _user_name(owner)
        raise AccountError(
            f"{folder} belongs to the user {name}, expected to be run by that one",
            hint=f"sudo -u {name} edgecls user ...",
        )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _parsed(data: bytes, path: Path) -> _Content:
    try:
        return _Content.model_validate_json(data)
    except ValidationError as error:
        raise AccountError(
            f"{path} is damaged, expected accounts as edgecls writes them",
            hint=f"move it aside and make the accounts anew: mv {path} {path}.broken",
        ) from error


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time read, change and write."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except AccountError:
        raise
    except OSError as error:
        raise AccountError(
            f"cannot use {path}: {error.strerror}", hint="run this as the daemon's own user"
        ) from error
