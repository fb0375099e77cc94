"""What the service manager is told: real datagrams on a real socket."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgecls.daemon.notify import FEEDS_PER_WATCHDOG, Notifier, notifier_from_environment


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind("\0" + address[1:] if address.startswith("@") else address)
        self._line.settimeout(0)

    def told(self) -> list[str]:
        messages: list[str] = []
        with contextlib.suppress(BlockingIOError):  # read to the last one
            while True:
                messages.append(self._line.recv(4096).decode())
        return messages

    def close(self) -> None:
        self._line.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    path = str(tmp_path / "notify")
    manager = Manager(path if request.param == "path" else f"@edgecls-{secrets.token_hex(6)}")
    yield manager
    manager.close()


def test_each_message_is_one_datagram_of_the_protocol(manager: Manager) -> None:
    notifier = Notifier(manager.address, clock=lambda: 12.5)
    notifier.ready("watching 'door'")
    notifier.reloading()
    notifier.status("person\narrived")
    notifier.stopping()
    assert manager.told() == [
        "READY=1\nSTATUS=watching 'door'",
        "RELOADING=1\nMONOTONIC_USEC=12500000",
        "STATUS=person arrived",
        "STOPPING=1",
    ]


def test_the_same_status_is_told_once_and_a_long_one_is_cut(manager: Manager) -> None:
    notifier = Notifier(manager.address)
    for text in ("a", "a", "b" * 5000, "a"):
        notifier.status(text)
    assert [len(message) for message in manager.told()] == [8, 207, 8]


def test_the_watchdog_is_fed_a_few_times_within_its_time_at_most(manager: Manager) -> None:
    clock = Clock()
    notifier = Notifier(manager.address, watchdog_s=60, clock=clock)
    for _ in range(600):  # a minute of ten frames per second
        notifier.feed()
        clock.seconds += 0.1
    assert manager.told() == ["WATCHDOG=1"] * FEEDS_PER_WATCHDOG


def test_without_a_watchdog_nothing_is_fed(manager: Manager) -> None:
    Notifier(manager.address).feed()
    assert manager.told() == []


def test_a_manager_that_is_gone_or_slow_stops_nothing(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "nobody")).ready("up")
    slow = Manager(str(tmp_path / "slow"))
    notifier = Notifier(slow.address)
    for number in range(5000):  # far more than the socket's buffer holds
        notifier.status(str(number))
    slow.close()


def test_the_environment_says_whom_to_tell(manager: Manager) -> None:
    environment = {
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    notifier = notifier_from_environment(environment)
    assert notifier.watchdog_s == 30.0
    notifier.feed()
    assert manager.told() == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "many"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_PID": "me", "WATCHDOG_USEC": "5"},
    ],
)
def test_what_is_not_meant_for_us_or_broken_is_nothing(environment: dict[str, str]) -> None:
    notifier = notifier_from_environment(environment)
    assert notifier.watchdog_s is None
    notifier.ready("up")
