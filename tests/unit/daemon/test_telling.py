"""Telling all sinks: each its outbox, states to those who show them, and an orderly end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NoReturn

import pytest

from edgecls.daemon.telling import Telling, sinks_from_sections
from edgecls.errors import ConfigError, SinkError
from edgecls.sections.sinks import MqttSinkSection, WebhookSinkSection
from edgecls.sections.store import StoreSection
from edgecls.sinks.mqtt import MqttSink
from edgecls.sinks.webhook import WebhookSink
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.sink import FakeSink
from edgecls.types import DeviceState

STATE = DeviceState((), None, 41.0)
NAMES = ("first", "second")
WAIT_S = 20.0


def section(name: str) -> WebhookSinkSection:
    return WebhookSinkSection(
        kind="webhook", name=name, url="http://a/b", secret="s", retry_min_s=0.01, retry_max_s=0.02
    )


class House:
    """A store and two sinks that are told of it."""

    def __init__(self, store: Store, reader: StoreReader) -> None:
        self.store = store
        self.reader = reader
        self.stop = threading.Event()
        self.sinks = [FakeSink(), FakeSink()]
        self.telling = Telling(
            [(section(name), sink) for name, sink in zip(NAMES, self.sinks, strict=True)],
            store, state=lambda: STATE, stop=self.stop, report_every_s=WAIT_S,
        )  # fmt: skip
        store.on_event = self.telling.ring

    def press(self) -> None:
        self.store.add_event("pressed", camera="door", at=datetime.now(timezone.utc))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store = Store(StoreSection(folder=tmp_path, free_bytes_min=0), sinks=NAMES)
    with store, StoreReader(tmp_path) as reader:
        yield House(store, reader)


def test_every_sink_is_told_of_everything_to_the_end(house: House) -> None:
    house.press()
    with house.telling:
        assert all(sink.is_open for sink in house.sinks)
        house.press()
    for sink in house.sinks:
        assert [event.id for event, _ in sink.delivered] == [1, 2]
        assert sink.states[0] == STATE
        assert not sink.is_open
    assert house.reader.outbox_state() == ()


def test_one_that_fails_holds_up_no_other(house: House) -> None:
    house.sinks[0].failures = [SinkError("away", retryable=True)] * 10_000
    with house.telling:
        house.press()
    assert [event.id for event, _ in house.sinks[1].delivered] == [1]
    (waiting,) = house.reader.outbox_state()
    assert (waiting.sink, waiting.waiting, waiting.last_error) == ("first", 1, "away")


def test_an_event_is_told_without_waiting_for_a_poll(house: House) -> None:
    with house.telling:
        for sink in house.sinks:
            while not sink.states:
                threading.Event().wait(0.005)
        before = len(house.sinks[0].states)
        house.press()
        while len(house.sinks[0].states) == before:  # the state is reported anew at once
            threading.Event().wait(0.005)


def test_a_bug_in_a_sink_stops_the_daemon_and_is_raised(house: House) -> None:
    def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError("a bug")

    house.sinks[0].deliver = fail  # type: ignore[method-assign]
    house.press()
    with pytest.raises(ZeroDivisionError), house.telling:
        assert house.stop.wait(WAIT_S)


def test_a_sink_that_cannot_be_opened_leaves_none_open(house: House) -> None:
    def refuse() -> NoReturn:
        raise ConfigError("cannot read secret_file")

    house.sinks[1].__class__ = type("Refusing", (FakeSink,), {"__enter__": lambda _: refuse()})
    with pytest.raises(ConfigError):
        house.telling.__enter__()
    assert not house.sinks[0].is_open


def test_sections_become_sinks() -> None:
    sections = [MqttSinkSection(kind="mqtt", host="broker"), section("hook")]
    made = sinks_from_sections(sections, cameras=["door"], restart=lambda: None)
    assert [type(sink) for _, sink in made] == [MqttSink, WebhookSink]
    assert [its.name for its, _ in made] == ["mqtt", "hook"]
