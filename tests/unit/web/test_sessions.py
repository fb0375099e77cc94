"""Sessions end in time, and guessing gets slower; on a clock that the test turns."""

from __future__ import annotations

import pytest

from edgecls.web.attempts import FORGOTTEN_S, FREE, KEYS_MAX, Attempts
from edgecls.web.sessions import SESSIONS_MAX, Sessions
from tests.page import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(idle_s=600, max_s=3600, clock=clock)


def test_a_session_ends_when_it_is_not_used(sessions: Sessions, clock: Clock) -> None:
    token = sessions.begin("anna", "mark")
    for _ in range(3):
        clock.seconds += 599
        assert sessions.find(token) is not None
    clock.seconds += 601
    assert sessions.find(token) is None
    clock.seconds -= 601
    assert sessions.find(token) is None  # for good


def test_a_session_ends_however_much_it_is_used(sessions: Sessions, clock: Clock) -> None:
    token = sessions.begin("anna", "mark")
    for _ in range(12):
        clock.seconds += 300
        assert sessions.find(token) is not None
    clock.seconds += 1
    assert sessions.find(token) is None


def test_sessions_are_ended_one_or_all(sessions: Sessions) -> None:
    first, second, berts = (sessions.begin(name, "m") for name in ("anna", "anna", "bert"))
    sessions.end(first)
    assert sessions.find(first) is None
    sessions.end_all("anna")
    assert sessions.find(second) is None
    assert sessions.find(berts) is not None
    assert sessions.find("made up") is None
    assert sessions.find("not ascii: \u20ac \udcff") is None


def test_tokens_are_long_and_never_the_same(sessions: Sessions) -> None:
    tokens = {sessions.begin("anna", "m") for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 43  # 32 random bytes


def test_the_longest_unused_goes_when_there_are_too_many(sessions: Sessions, clock: Clock) -> None:
    first = sessions.begin("anna", "m")
    second = sessions.begin("anna", "m")
    clock.seconds += 1
    assert sessions.find(first) is not None
    for _ in range(SESSIONS_MAX - 1):
        sessions.begin("bert", "m")
    assert sessions.find(second) is None
    assert sessions.find(first) is not None


def test_a_forms_token_belongs_to_one_session_of_one_process(sessions: Sessions) -> None:
    token = sessions.form_token("a")
    assert sessions.is_form_token(token, "a")
    assert not sessions.is_form_token(token, "b")
    assert not sessions.is_form_token("", "a")
    assert not sessions.is_form_token("\u20ac", "a")
    other = Sessions(idle_s=1, max_s=1, clock=Clock())
    assert not other.is_form_token(token, "a")


def test_guessing_gets_slower_and_a_pause_is_kept(clock: Clock) -> None:
    attempts = Attempts(clock)
    waits = []
    for _ in range(FREE):
        assert attempts.begin("10.0.0.1", "anna") == 0
    for _ in range(5):
        wait_s = attempts.begin("10.0.0.1", "anna")
        waits.append(wait_s)
        clock.seconds += wait_s - 0.5
        assert attempts.begin("10.0.0.1", "anna") == pytest.approx(0.5)  # exact but for rounding
        clock.seconds += 0.5
        assert attempts.begin("10.0.0.1", "anna") == 0
    assert waits == [2, 4, 8, 16, 32]


def test_an_accounts_pause_stays_short_an_address_pause_does_not(clock: Clock) -> None:
    attempts = Attempts(clock)
    for number in range(40):  # one account, guessed from many addresses
        clock.seconds += 31
        assert attempts.begin(f"10.0.0.{number}", "anna") == 0
    assert 0 < attempts.begin("10.0.1.1", "anna") <= 30
    assert attempts.begin("10.0.1.1", "bert") == 0
    for number in range(30):  # one address, many names
        clock.seconds += 901
        assert attempts.begin("10.9.9.9", f"name-{number}") == 0
    assert 30 < attempts.begin("10.9.9.9", "another") <= 900


def test_a_right_password_or_an_hour_wipes_the_slate(clock: Clock) -> None:
    attempts = Attempts(clock)
    for _ in range(FREE):
        attempts.begin("10.0.0.1", "anna")
    assert attempts.begin("10.0.0.1", "anna") > 0
    attempts.succeeded("10.0.0.1", "anna")
    for _ in range(FREE):
        assert attempts.begin("10.0.0.1", "anna") == 0
    clock.seconds += FORGOTTEN_S + 1
    assert attempts.begin("10.0.0.1", "anna") == 0
    assert attempts.begin("10.0.0.1", "anna") == 0


def test_one_machine_has_one_count_however_many_addresses(clock: Clock) -> None:
    attempts = Attempts(clock)
    for number in range(FREE):
        assert attempts.begin(f"fd00:1:2:3::{number}", f"name-{number}") == 0
    assert attempts.begin("fd00:1:2:3:ffff::9", "another") > 0
    assert attempts.begin("fd00:1:2:4::9", "another") == 0
    for number in range(FREE):
        assert attempts.begin("::ffff:10.0.0.1", f"name-{number}-b") == 0
    assert attempts.begin("::ffff:10.0.0.1", "anybody") > 0


def test_the_counts_stay_bounded(clock: Clock) -> None:
    attempts = Attempts(clock)
    for number in range(KEYS_MAX + 10):
        attempts.begin(f"10.{number % 250}.{number // 250}.1", f"name-{number}")
    assert len(attempts._counts) == KEYS_MAX
