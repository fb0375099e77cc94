"""The page's table: closed as shipped, and opened beyond loopback only in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edgecls.sections.web import WebSection

FAR = {"host": "0.0.0.0"}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.53"])
def test_loopback_needs_no_tls_but_a_login(host: str) -> None:
    section = WebSection(host=host)
    assert (section.loopback, section.encrypted, section.login) == (True, False, True)
    assert not WebSection(host=host, login=False).login
    assert WebSection(host=host, tls="generated").encrypted


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.20", "door.local", "127.0.0.1.nip.io"]
)
def test_beyond_loopback_there_is_tls_and_a_login(host: str) -> None:
    section = WebSection(host=host)
    assert (section.loopback, section.encrypted, section.login) == (False, True, True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({**FAR, "login": False}, "allow_no_login = true to accept that"),
        ({**FAR, "tls": "off"}, "allow_plain_http = true to accept that"),
        ({**FAR, "tls": "off", "allow_no_login": True}, "allow_plain_http = true"),
        ({"tls": "given"}, "needs both certificate and key"),
        ({"tls": "given", "key": Path("k")}, "needs both certificate and key"),
        ({"certificate": Path("c"), "key": Path("k")}, "only it takes them"),
        ({"host": "a b"}, "host"),
        ({"viewers_max": 99}, "viewers_max"),
    ],
)
def test_what_would_be_open_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        WebSection.model_validate(table)


def test_plain_words_open_it() -> None:
    section = WebSection(**FAR, login=False, allow_no_login=True, tls="off", allow_plain_http=True)
    assert (section.login, section.encrypted) == (False, False)
