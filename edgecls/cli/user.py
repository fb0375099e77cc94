"""`edgecls user`: who may open the page, and which programs may ask it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer
from rich.console import Group
from rich.text import Text

from edgecls.cli import output
from edgecls.errors import AccountError

if TYPE_CHECKING:
    from edgecls.web.accounts import Account, Accounts, Scope, Token

app = typer.Typer(
    help="Say who may open the page, and which programs may ask it.", no_args_is_help=True
)

ConfigOption = Annotated[
    Path | None, typer.Option("-c", "--config", help="The device's TOML file; it names the store.")
]
StoreOption = Annotated[Path | None, typer.Option(help="The store's folder, rather than -c.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
AskOption = Annotated[
    bool, typer.Option("--ask", help="Ask for a password; else a random one is shown once.")
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option(help='A file with the password on its first line; "-" reads standard input.'),
]


@dataclass(frozen=True, slots=True)
class UserResult:
    """What was done. `secret`: a password or token that is told now and never again."""

    done: str
    name: str
    secret: str | None = None
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"done": self.done, "name": self.name, "secret": self.secret}

    def as_text(self) -> Text:
        text = Text(f"{self.done}: {self.name}")
        if self.secret is not None:
            text.append(f"\n{self.secret}", style="bold")
            text.append("\nThis is shown only now.", style="dim")
        return text


@dataclass(frozen=True, slots=True)
class ListResult:
    """Who has an account, and which programs have a token."""

    accounts: tuple[Account, ...]
    tokens: tuple[Token, ...]
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "accounts": [
                {"name": a.name, "one_time": a.one_time, "since": a.since.isoformat()}
                for a in self.accounts
            ],
            "tokens": [
                {"name": t.name, "scope": t.scope, "since": t.since.isoformat()}
                for t in self.tokens
            ],
        }

    def as_text(self) -> Group | Text:
        if not self.accounts and not self.tokens:
            return Text("No account yet: edgecls run makes the first one.")
        rows = [("name", "kind", "since", "")]
        rows += [
            (a.name, "account", f"{a.since:%Y-%m-%d}", "password for one login" * a.one_time)
            for a in self.accounts
        ]
        rows += [(t.name, "token", f"{t.since:%Y-%m-%d}", f"may {t.scope}") for t in self.tokens]
        return Group(*output.aligned(rows))


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="1 to 32 of a to z, 0 to 9, dot, dash, underscore.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    ask: AskOption = False,
    password_file: PasswordFileOption = None,
    json: JsonOption = False,
) -> None:
    """Make an account: edgecls user add anna -c doorbell.toml"""
    accounts = _accounts(config, store)
    password, random = _password(ask=ask, file=password_file)
    accounts.add(name, password, at=_now(), one_time=random)
    output.emit(UserResult("account made", name, password if random else None), as_json=json)


@app.command("password")
def password(
    name: Annotated[str, typer.Argument(help="Whose password to change.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    ask: AskOption = False,
    password_file: PasswordFileOption = None,
    json: JsonOption = False,
) -> None:
    """Give an account another password; whoever is logged in with the old one is out."""
    accounts = _accounts(config, store)
    chosen, random = _password(ask=ask, file=password_file)
    accounts.set_password(name, chosen, at=_now(), one_time=random)
    output.emit(UserResult("password changed", name, chosen if random else None), as_json=json)


@app.command("list")
def list_all(
    config: ConfigOption = None, store: StoreOption = None, json: JsonOption = False
) -> None:
    """Show all accounts and tokens, without their secrets."""
    accounts = _accounts(config, store)
    output.emit(ListResult(accounts.all(), accounts.tokens()), as_json=json)


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="Whose account to remove.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Remove an account; it is logged out at once. The last one stays."""
    _accounts(config, store).remove(name)
    output.emit(UserResult("account removed", name), as_json=json)


@app.command("token-add")
def token_add(
    name: Annotated[str, typer.Argument(help="Of the program that is to hold it.")],
    scope: Annotated[
        str, typer.Option(help="press: ring only; read: look only; full: change things too.")
    ] = "read",
    config: ConfigOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Make a token for a program: edgecls user token-add gate --scope press -c doorbell.toml"""
    text = _accounts(config, store).add_token(name, _scope(scope), at=_now())
    output.emit(UserResult("token made", name, text), as_json=json)


@app.command("token-remove")
def token_remove(
    name: Annotated[str, typer.Argument(help="Which token to remove.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Remove a token; it opens nothing from now on."""
    _accounts(config, store).remove_token(name)
    output.emit(UserResult("token removed", name), as_json=json)


def _accounts(config: Path | None, store: Path | None) -> Accounts:
    """Return the accounts of the store that is meant."""
    from edgecls import config as configuration
    from edgecls.sections.store import StoreSection
    from edgecls.web.accounts import Accounts

    if store is not None:
        return Accounts(store.expanduser().absolute())
    if config is not None:
        return Accounts(configuration.load(config).store.folder)
    return Accounts(StoreSection().folder)


def _password(*, ask: bool, file: Path | None) -> tuple[str, bool]:
    """Return a password, and whether it was made here."""
    from edgecls.web.passwords import random_password

    if file is not None:
        return _first_line(file), False
    if ask:
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True), False
    return random_password(), True


def _first_line(file: Path) -> str:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AccountError(
            f"cannot read {file}, expected a password on its first line: {error}"
        ) from error
    return text.partition("\n")[0].rstrip("\r")


def _scope(text: str) -> Scope:

    from edgecls.plugins import unknown_key
    from edgecls.web.accounts import Scope

    if text not in get_args(Scope):
        raise unknown_key("scope", get_args(Scope), text)
    return cast(Scope, text)


def _now() -> datetime:
    return datetime.now(timezone.utc)
