"""The page's server: its port, its address, its end."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

import pytest

from edgecls.errors import PageError
from edgecls.types import Visit
from edgecls.web.server import STOP_S
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


def test_close_may_be_called_twice_and_before_entering() -> None:
    server = page_at(FakeHousehold(), "127.0.0.1", 0)
    server.close()
    with server:
        server.close()
    server.close()
