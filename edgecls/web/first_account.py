"""The first account: its password comes from a file, or is random and told once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from edgecls.errors import AccountError
from edgecls.web.accounts import FIRST_NAME, Accounts
from edgecls.web.passwords import random_password

READ_MAX_BYTES = 1000


def make_first_account(
    accounts: Accounts, file: Path | None, *, now: datetime, announce: Callable[[str], None]
) -> None:
    """Make an account if there is none. Its password is for one login, which asks for a new one.

    Args:    file: holds the password on its first line, or does not exist.
             announce: is told the name, and a password that was made here.
    Raises:  AccountError when the file cannot be read or its password is too poor.
    """
    if accounts.all():
        return
    given = None if file is None else _password_of(file)
    password = given or random_password()
    accounts.add(FIRST_NAME, password, at=now, one_time=True)
    if given:
        announce(f"login: first account {FIRST_NAME!r}, with the password in {file}")
    else:
        announce(f"login: first account {FIRST_NAME!r}, password {password}")
        announce("login: shown only this once; the first login asks for a password of your own")


def _password_of(file: Path) -> str | None:
    try:
        with file.open("rb") as content:
            text = content.read(READ_MAX_BYTES).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise AccountError(
            f"cannot read {file}, expected a password on its first line: {error}",
            hint="web.first_password_file names it",
        ) from error
    return text.partition("\n")[0].strip() or None
