"""Being told to stop: a signal sets the event, and never from within its handler."""

from __future__ import annotations

import signal
import threading

import pytest

from edgecls.daemon.stopping import stopping


class WatchedStop(threading.Event):
    """An event that notes which thread set it."""

    setter: threading.Thread | None = None

    def set(self) -> None:
        self.setter = threading.current_thread()
        super().set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_event_from_another_thread(number: signal.Signals) -> None:
    stop = WatchedStop()
    before = signal.getsignal(number)
    with stopping(stop):
        signal.raise_signal(number)
        assert stop.wait(30)
        assert stop.setter is not threading.main_thread()
        signal.raise_signal(number)  # a second one changes nothing
    assert signal.getsignal(number) == before


def test_without_a_signal_nothing_is_set_and_no_thread_stays() -> None:
    stop = WatchedStop()
    threads = threading.active_count()
    with stopping(stop):
        assert threading.active_count() == threads + 1
    assert not stop.is_set()
    assert threading.active_count() == threads


def test_sighup_calls_reload_each_time_and_stops_nothing() -> None:
    stop, done = threading.Event(), threading.Semaphore(0)
    before = signal.getsignal(signal.SIGHUP)
    with stopping(stop, reload=done.release):
        for _ in range(2):
            signal.raise_signal(signal.SIGHUP)
            assert done.acquire(timeout=30)
        assert not stop.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait(30)
    assert signal.getsignal(signal.SIGHUP) == before


def test_without_a_reload_sighup_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with stopping(threading.Event()):
        assert signal.getsignal(signal.SIGHUP) == before
