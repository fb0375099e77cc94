"""Accounts and tokens on the disk: who may write, what is kept, what is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edgecls.errors import AccountError
from edgecls.web.accounts import FILE_NAME, FIRST_NAME, Accounts
from edgecls.web.first_account import make_first_account
from edgecls.web.passwords import (
    ALPHABET,
    NOBODYS_HASH,
    hash_password,
    matches,
    password_fault,
    random_password,
)
from tests.household import AT
from tests.page import PASSWORD


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    made = Accounts(tmp_path / "data")
    made.add("anna", PASSWORD, at=AT)
    return made


def test_there_is_no_account_by_default(tmp_path: Path) -> None:
    empty = Accounts(tmp_path)
    assert (empty.all(), empty.tokens()) == ((), ())
    assert empty.find("owner") is None
    assert list(tmp_path.iterdir()) == []


def test_the_file_holds_no_password_and_is_for_its_owner_only(
    accounts: Accounts, tmp_path: Path
) -> None:
    file = tmp_path / "data" / FILE_NAME
    assert PASSWORD not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_names_are_found_whatever_their_case(accounts: Accounts) -> None:
    assert accounts.find(" Anna ") == accounts.all()[0]
    assert accounts.find("ann") is None


def test_what_another_process_writes_counts_at_once(accounts: Accounts, tmp_path: Path) -> None:
    other = Accounts(tmp_path / "data")
    assert len(other.all()) == 1
    accounts.add("bert", PASSWORD, at=AT)
    assert len(other.all()) == 2
    other.remove("anna")
    assert [account.name for account in accounts.all()] == ["bert"]


def test_a_new_password_replaces_the_old_one(accounts: Accounts) -> None:
    accounts.set_password("anna", "another good one", at=AT, one_time=True)
    changed = accounts.find("anna")
    assert changed is not None
    assert changed.one_time
    assert matches(changed.password_hash, "another good one")
    assert not matches(changed.password_hash, PASSWORD)


def test_a_damaged_file_lets_nobody_in_and_says_so(accounts: Accounts, tmp_path: Path) -> None:
    file = tmp_path / "data" / FILE_NAME
    for content in (b"", b"{}x", b'{"schema": 2}', b'{"schema": 1, "accounts": [{"name": "x"}]}'):
        file.write_bytes(content)
        with pytest.raises(AccountError, match="damaged") as caught:
            accounts.find("anna")
        assert str(file) in str(caught.value.hint)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AccountError, match="cannot use"):
        Accounts(tmp_path / "file").add("anna", PASSWORD, at=AT)


def test_passwords() -> None:
    assert password_fault("short") == "a password needs 10 to 200 characters, received 5"
    assert "4 different" in str(password_fault("a" * 20))
    assert password_fault(PASSWORD) is None
    assert "printable" in str(password_fault("a bell \a and more"))
    assert "printable" in str(password_fault("not text \udcff at all"))
    made = {random_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert password_fault(password) is None
        assert set(password) <= set(ALPHABET) | {"-"}
    digest = hash_password(PASSWORD)
    assert digest != hash_password(PASSWORD)
    assert matches(digest, PASSWORD)
    assert not matches("no hash at all", PASSWORD)


def test_an_accent_is_the_same_on_every_keyboard() -> None:
    assert matches(hash_password("caf\u00e9 au lait"), "cafe\u0301 au lait")


def test_an_unknown_name_is_compared_with_a_hash_of_the_same_cost() -> None:
    assert not matches(NOBODYS_HASH, "")
    assert NOBODYS_HASH.split("$")[1:4] == hash_password(PASSWORD).split("$")[1:4]


def test_the_first_account_has_a_random_password_told_once(tmp_path: Path) -> None:
    accounts, lines = Accounts(tmp_path), list[str]()
    make_first_account(accounts, None, now=AT, announce=lines.append)
    account = accounts.find(FIRST_NAME)
    assert account is not None
    assert account.one_time
    password = lines[0].rpartition(" ")[2]
    assert matches(account.password_hash, password)
    again = list[str]()
    make_first_account(accounts, None, now=AT, announce=again.append)
    assert again == []


def test_a_card_may_bring_the_first_password(tmp_path: Path) -> None:
    file, lines = tmp_path / "first-password", list[str]()
    file.write_text("from the card 17\n")
    accounts = Accounts(tmp_path)
    make_first_account(accounts, file, now=AT, announce=lines.append)
    account = accounts.find(FIRST_NAME)
    assert account is not None
    assert account.one_time
    assert matches(account.password_hash, "from the card 17")
    assert "from the card" not in " ".join(lines)
    assert file.exists()  # until the first login


def test_a_poor_or_damaged_first_password_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "first-password"
    file.write_text("1234\n")
    with pytest.raises(AccountError, match="10 to 200"):
        make_first_account(Accounts(tmp_path), file, now=AT, announce=print)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AccountError, match="cannot read"):
        make_first_account(Accounts(tmp_path), file, now=AT, announce=print)
    assert Accounts(tmp_path).all() == ()
