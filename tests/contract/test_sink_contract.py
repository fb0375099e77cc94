"""What every sink owes the outbox: one suite over each row of the table, and the fake."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgecls import plugins
from edgecls.errors import SinkError
from edgecls.ports import Sink, StateSink
from edgecls.sections.sinks import MqttSinkSection, WebhookSinkSection
from edgecls.sinks import SINKS
from edgecls.sinks.mqtt import MqttSink
from edgecls.sinks.webhook import WebhookSink
from edgecls.testing.door import NOON
from edgecls.testing.sink import FakeSink
from edgecls.types import CameraState, DeviceState, Event
from tests.mosquitto import Listener, Mosquitto, why_no_broker

EVENTS = (
    Event(1, "visit_started", "door", NOON, 1, 0.8, "a.jpg"),
    Event(2, "pressed", "door", NOON, 1, 0.9, "b.jpg", True),
    Event(3, "tampered", "door", NOON, None, None, None, None, "covered"),
    Event(4, "visit_ended", "door", NOON, 1, 0.9, "a.jpg"),
)
STATE = DeviceState((CameraState("door", True, False, False, 0.1, 4.0, 0, 2),), 17.0, 50.0)


@dataclass
class Rig:
    """A sink, and what its other end heard: the ids of events, in order."""

    sink: Sink
    heard: Callable[[int], list[int]]
    """Waits for so many."""
    end: Callable[[], None]
    """Takes the other end away."""
    ready: Callable[[], None] = lambda: None
    """Waits until the open sink can deliver."""

    @contextlib.contextmanager
    def opened(self) -> Iterator[Sink]:
        with self.sink as sink:
            self.ready()
            yield sink


def a_fake(tmp_path: Path) -> Iterator[Rig]:
    del tmp_path
    fake = FakeSink()

    def end() -> None:
        fake.failures = [SinkError("nobody there", retryable=True, reached=False)]

    yield Rig(fake, lambda _: [event.id for event, _ in fake.delivered], end)


def webhook(tmp_path: Path) -> Iterator[Rig]:
    del tmp_path
    heard: list[int] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(json.loads(body)["id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:  # Any: as http.server declares it
            return

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        section = WebhookSinkSection(
            kind="webhook", url=f"http://127.0.0.1:{server.server_port}/", secret="0123456789abcdef"
        )

        def end() -> None:
            server.shutdown()
            server.server_close()

        yield Rig(WebhookSink(section), lambda _: heard, end)
        server.shutdown()


def mqtt(tmp_path: Path) -> Iterator[Rig]:
    if reason := why_no_broker():
        pytest.skip(reason)
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        section = MqttSinkSection(
            kind="mqtt", host="127.0.0.1", port=broker.port, device_id="porch"
        )
        sink = MqttSink(section, cameras=["door"], restart=lambda: None)

        def heard(count: int) -> list[int]:
            payloads = listener.wait_for("edgecls/porch/events", count=count)
            return [json.loads(payload)["id"] for payload in payloads]

        def ready() -> None:
            listener.wait_for("edgecls/porch/availability", b"online")

        yield Rig(sink, heard, broker.stop, ready)


@pytest.fixture(params=[a_fake, webhook, mqtt])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    yield from request.param(tmp_path)


def test_every_row_is_in_this_suite() -> None:
    assert [plugins.load("sink", SINKS, kind) for kind in SINKS] == [MqttSink, WebhookSink]


def test_it_is_a_sink(rig: Rig) -> None:
    assert isinstance(rig.sink, Sink)


def test_events_of_every_kind_arrive_in_order(rig: Rig) -> None:
    with rig.opened() as sink:
        for event in EVENTS:
            sink.deliver(event, None if event.snapshot is None else b"jpeg")
        assert rig.heard(4) == [1, 2, 3, 4]


def test_the_same_event_twice_is_harmless(rig: Rig) -> None:
    with rig.opened() as sink:
        sink.deliver(EVENTS[0], b"jpeg")
        sink.deliver(EVENTS[0], b"jpeg")
        assert rig.heard(2) == [1, 1]


def test_an_other_end_that_is_away_is_worth_another_try(rig: Rig) -> None:
    with rig.opened() as sink:
        sink.deliver(EVENTS[0], None)
        rig.end()
        with pytest.raises(SinkError) as caught:
            sink.deliver(EVENTS[1], None)
        while caught.value.reached:  # it may take a moment to notice
            with pytest.raises(SinkError) as caught:
                sink.deliver(EVENTS[1], None)
    assert caught.value.retryable
    assert "\n" not in caught.value.message


def test_closed_twice_is_closed(rig: Rig) -> None:
    with rig.opened() as sink:
        sink.close()
        sink.close()


def test_who_shows_states_takes_them_whether_the_other_end_is_there_or_not(rig: Rig) -> None:
    with rig.opened() as sink:
        if isinstance(sink, StateSink):
            sink.report(STATE)
            rig.end()
            sink.report(STATE)
        else:
            assert isinstance(sink, WebhookSink)
