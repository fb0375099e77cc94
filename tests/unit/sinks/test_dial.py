"""A connection by a deadline: dead addresses and a resolver that hangs leave the others time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from edgecls._lib.deadline import Deadline
from edgecls.sinks.dial import Address, Resolve, dial, resolve
from tests.unit.sinks.dead_address import dead_address

PATIENCE_S = 10.0


@pytest.fixture
def live() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (address,) = resolve(*listener.getsockname())
        yield address


@pytest.fixture
def dead() -> Iterator[Address]:
    with dead_address() as address:
        yield address


def found(*addresses: Address) -> Resolve:
    return lambda host, port: addresses


def test_a_dead_address_takes_its_share_only(dead: Address, live: Address) -> None:
    deadline = Deadline(PATIENCE_S / 10)
    with dial("a", 1, deadline, resolve=found(dead, live)) as sock:
        assert sock.getpeername() == live[4]
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert 0 < deadline.remaining_s <= PATIENCE_S / 20


def test_one_that_refuses_leaves_its_share_to_the_next(live: Address) -> None:
    (refusing,) = resolve("127.0.0.1", 9)
    with dial("a", 1, Deadline(PATIENCE_S), resolve=found(refusing, live)) as sock:
        assert sock.getpeername() == live[4]
    with pytest.raises(ConnectionRefusedError):
        dial("a", 1, Deadline(PATIENCE_S), resolve=found(refusing, refusing))


def test_many_dead_ones_take_no_longer_than_one(dead: Address) -> None:
    began_s = time.monotonic()
    with pytest.raises(TimeoutError):
        dial("a", 1, Deadline(0.3), resolve=found(*[dead] * 40))
    assert 0.25 < time.monotonic() - began_s < PATIENCE_S  # 40 timeouts would be 12 s


def test_a_resolver_that_hangs_is_left_behind() -> None:
    released = threading.Event()

    def hang(host: str, port: int) -> Sequence[Address]:
        released.wait(PATIENCE_S)
        return ()

    began_s = time.monotonic()
    with pytest.raises(TimeoutError, match="no address of a in time"):
        dial("a", 1, Deadline(0.1), resolve=hang)
    assert time.monotonic() - began_s < PATIENCE_S / 2
    released.set()


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_what_the_resolver_says_is_passed_on(error: Exception) -> None:
    def refuse(host: str, port: int) -> Sequence[Address]:
        raise error

    with pytest.raises(type(error), match=str(error.args[-1])):
        dial("a", 1, Deadline(PATIENCE_S), resolve=refuse)


def test_a_name_without_addresses_is_told() -> None:
    with pytest.raises(OSError, match="a has no address"):
        dial("a", 1, Deadline(PATIENCE_S), resolve=found())
