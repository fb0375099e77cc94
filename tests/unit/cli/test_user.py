"""`edgecls user`: accounts and tokens of a store, told once and never again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgecls.cli.main import run
from edgecls.web.accounts import FILE_NAME, Accounts
from edgecls.web.passwords import matches

Told = pytest.CaptureFixture[str]


def user(folder: Path, *arguments: str) -> int:
    return run(["user", *arguments, "--store", str(folder)])


def test_a_random_password_is_shown_once_and_is_for_one_login(told: Told, tmp_path: Path) -> None:
    assert user(tmp_path, "add", "anna", "--json") == 0
    answer = json.loads(told.readouterr().out)
    account = Accounts(tmp_path).find("anna")
    assert account is not None
    assert matches(account.password_hash, answer["secret"])
    assert account.one_time
    assert answer["secret"] not in (tmp_path / FILE_NAME).read_text()

    assert user(tmp_path, "list") == 0
    listed = told.readouterr().out
    assert "anna" in listed
    assert answer["secret"] not in listed


def test_a_chosen_password_comes_from_a_file(told: Told, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("several words in a row\nignored")
    assert user(tmp_path, "add", "anna", "--password-file", str(secret)) == 0
    account = Accounts(tmp_path).find("anna")
    assert account is not None
    assert not account.one_time
    assert matches(account.password_hash, "several words in a row")
    assert "several words" not in told.readouterr().out

    secret.write_text("short")
    assert user(tmp_path, "password", "anna", "--password-file", str(secret)) == 4
    assert "10 to 200 characters, received 5" in told.readouterr().err
    assert user(tmp_path, "password", "anna", "--password-file", "/no/such/file") == 4


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    assert user(tmp_path, "add", "anna") == 0
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["add", "anna"], 4, "there is an account 'anna' already"),
        (["add", "Anna Maria"], 4, "cannot be a name"),
        (["password", "bert"], 4, "no account 'bert', expected one of: anna"),
        (["remove", "bert"], 4, "no account 'bert'"),
        (["remove", "anna"], 4, "is the last account"),
        (["token-remove", "gate"], 4, "no token 'gate', expected one of: none yet"),
        (["token-add", "gate", "--scope", "pres"], 2, "did you mean 'press'?"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    told: Told, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    assert user(tmp_path, "add", "anna") == 0
    told.readouterr()
    assert user(tmp_path, *arguments) == code
    error = told.readouterr().err
    assert message in error
    assert "hint:" in error


def test_a_token_is_made_and_removed(told: Told, tmp_path: Path) -> None:
    assert user(tmp_path, "token-add", "gate", "--scope", "press", "--json") == 0
    secret = json.loads(told.readouterr().out)["secret"]
    accounts = Accounts(tmp_path)
    token = accounts.token(secret)
    assert token is not None
    assert (token.name, token.scope) == ("gate", "press")
    assert secret not in (tmp_path / FILE_NAME).read_text()
    assert user(tmp_path, "token-remove", "gate") == 0
    assert accounts.token(secret) is None


def test_the_store_is_the_configurations(told: Told, tmp_path: Path) -> None:
    file = tmp_path / "doorbell.toml"
    file.write_text('[camera]\nkind = "demo"\n[store]\nfolder = "data"\n')
    assert run(["user", "add", "anna", "-c", str(file)]) == 0
    assert Accounts(tmp_path / "data").find("anna") is not None
    told.readouterr()
    assert run(["user", "list", "-c", str(file), "--json"]) == 0
    listed = json.loads(told.readouterr().out)
    assert [account["name"] for account in listed["accounts"]] == ["anna"]


@pytest.fixture
def told(capsys: Told) -> Told:
    return capsys
