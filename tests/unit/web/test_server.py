"""The page's server: its port, its address, its end."""

from __future__ import annotations

import re
import socket
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgecls.errors import AccountError, PageError
from edgecls.sections.web import WebSection
from edgecls.types import Visit
from edgecls.web.accounts import Accounts
from edgecls.web.server import STOP_S, PageServer
from tests.household import FakeHousehold
from tests.page import page_at


def answer_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as answer:
        status: int = answer.status
        return status


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_any_free_port_serves_and_is_free_again_afterwards(host: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with page_at(FakeHousehold(), host, 0) as server:
        url = server.url
        assert answer_of(url) == 200
    port = int(url.rpartition(":")[2])
    with page_at(FakeHousehold(), host, port) as again:
        assert again.url == url
        assert answer_of(url) == 200
    assert not [thread for thread in threading.enumerate() if thread.name == "page"]


def test_a_taken_port_names_the_next_one() -> None:
    with (
        page_at(FakeHousehold(), "127.0.0.1", 0) as first,
        pytest.raises(PageError) as caught,
        page_at(FakeHousehold(), "127.0.0.1", int(first.url.rpartition(":")[2])),
    ):
        pass
    port = int(first.url.rpartition(":")[2])
    assert f"port {port} of 127.0.0.1 is taken" in caught.value.message
    assert f"--port {port + 1}" in str(caught.value.hint)
    assert caught.value.exit_code == 4


def test_a_browser_that_keeps_its_connection_does_not_hold_up_the_end() -> None:
    with page_at(FakeHousehold(), "127.0.0.1", 0) as server:
        port = int(server.url.rpartition(":")[2])
        idle = socket.create_connection(("127.0.0.1", port))
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")  # and never more
        began_s = time.monotonic()
    took_s = time.monotonic() - began_s
    idle.close()
    half.close()
    assert took_s <= STOP_S + 1  # the join's own limit, and some room for a slow machine
    assert not [thread for thread in threading.enumerate() if thread.name == "page"]


class SlowDisk(FakeHousehold):
    """Its visits do not come until the test lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.released = threading.Event(), threading.Event()

    def visits(self, **query: Any) -> Sequence[Visit]:
        self.asked.set()
        assert self.released.wait(30)
        return super().visits(**query)


def test_a_slow_disk_holds_up_no_other_answer() -> None:
    household = SlowDisk()
    answers: list[int] = []
    with page_at(household, "127.0.0.1", 0) as server:
        slow = threading.Thread(target=lambda: answers.append(answer_of(f"{server.url}/visits")))
        slow.start()
        assert household.asked.wait(30)
        assert answer_of(f"{server.url}/api/now") == 200
        assert answer_of(f"{server.url}/latest.jpg") == 200
        assert not answers
        household.released.set()
        slow.join(30)
        assert answers == [200]


def test_it_tells_where_it_is_and_how_to_get_in(tmp_path: Path) -> None:
    lines: list[str] = []
    with PageServer(FakeHousehold(), WebSection(port=0), tmp_path, announce=lines.append) as page:
        assert lines[0] == f"page: {page.url}"
    assert re.fullmatch(r"login: first account 'owner', password [a-z0-9-]{19}", lines[1])
    assert Accounts(tmp_path).find("owner") is not None

    again: list[str] = []
    with PageServer(FakeHousehold(), WebSection(port=0), tmp_path, announce=again.append):
        assert len(again) == 1
    section, none = WebSection(port=0, login=False), list[str]()
    with PageServer(FakeHousehold(), section, tmp_path, announce=none.append):
        assert none[1] == "login: none, everybody on this machine may open the page"


def test_a_first_password_that_is_too_poor_gives_the_port_back(tmp_path: Path) -> None:
    file = tmp_path / "first-password"
    file.write_text("1234")
    section = WebSection(port=0, first_password_file=file)
    with pytest.raises(AccountError), PageServer(FakeHousehold(), section, tmp_path):
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "page"]


@pytest.mark.parametrize(
    ("table", "address"),
    [
        ({"host": "192.168.1.20"}, "https://192.168.1.20:8443"),
        ({"host": "fd00::1"}, "https://[fd00::1]:8443"),
        ({"host": "192.168.1.20", "tls": "off", "allow_plain_http": True},
         "http://192.168.1.20:8443"),
        ({"host": "localhost"}, "http://localhost:8443"),
    ],
)  # fmt: skip
def test_the_address_to_open(tmp_path: Path, table: dict[str, Any], address: str) -> None:
    section = WebSection.model_validate({"port": 8443, **table})
    assert PageServer(FakeHousehold(), section, tmp_path).url == address


def test_a_page_for_all_addresses_names_one_that_can_be_opened(tmp_path: Path) -> None:
    url = PageServer(FakeHousehold(), WebSection(host="0.0.0.0", port=8443), tmp_path).url
    assert re.fullmatch(r"https://[0-9.]+:8443", url)
    assert "0.0.0.0" not in url


def test_a_host_that_is_not_ours_is_told(tmp_path: Path) -> None:
    section = WebSection(host="203.0.113.77", port=0, tls="off", allow_plain_http=True)
    with (
        pytest.raises(PageError, match="cannot listen on"),
        PageServer(FakeHousehold(), section, tmp_path),
    ):
        pass


def test_close_may_be_called_twice_and_before_entering() -> None:
    server = page_at(FakeHousehold(), "127.0.0.1", 0)
    server.close()
    with server:
        server.close()
    server.close()
