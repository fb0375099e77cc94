"""A broker that is away for 500 events: is each told afterwards, and in order?"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edgecls.daemon.outbox import Drain
from edgecls.sections.sinks import MqttSinkSection
from edgecls.sections.store import StoreSection
from edgecls.sinks.mqtt import MqttSink
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.door import NOON
from scripts.measuring.section import NotMeasured, Section, table
from tests.mosquitto import Mosquitto, why_no_broker

EVENTS = 500
WAIT_S = 60.0
TOPIC = "edgecls/porch/events"
TEXT = """A real mosquitto is stopped; {events} presses are stored meanwhile, while the sink
goes on trying; then the broker is started again. A subscriber with a session of its own (QoS 1,
kept by the broker) notes what it is told."""


class _Subscriber:
    """Note the ids of events; its session outlives the broker's restart."""

    def __init__(self, port: int) -> None:
        self.ids: list[int] = []
        self.ready = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="subscriber", clean_session=False
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda *_: self._client.subscribe(TOPIC, qos=1)
        self._client.on_subscribe = lambda *_: self.ready.set()
        self._client.on_message = self._heard
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, client: object, data: object, message: paho.MQTTMessage) -> None:
        del client, data
        self.ids.append(int(json.loads(message.payload)["id"]))


def measure() -> Section:
    """Take the broker away and bring it back. Raises: NotMeasured without mosquitto."""
    if reason := why_no_broker():
        raise NotMeasured(reason)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = (
            "allow_anonymous true", "persistence true", f"persistence_location {folder}/",
            "max_queued_messages 0",
        )  # fmt: skip
        with Mosquitto(folder, lines) as broker:
            subscriber = _Subscriber(broker.port)
            try:
                row = _outage(folder / "store", broker, subscriber)
            finally:
                subscriber.close()
    header = ["stored while away", "told", "told twice", "in order", "left in the outbox",
              "away s", "all told s after the return"]  # fmt: skip
    text = TEXT.format(events=EVENTS).replace("\n", " ")
    return Section("Broker away", f"{text}\n\n{table(header, [row])}")


def _outage(folder: Path, broker: Mosquitto, subscriber: _Subscriber) -> list[str]:
    section = MqttSinkSection(kind="mqtt", host="127.0.0.1", port=broker.port, device_id="porch")
    sink = MqttSink(section, cameras=["door"], restart=lambda: None)
    with (
        Store(StoreSection(folder=folder, free_bytes_min=0), sinks=[section.name]) as store,
        StoreReader(folder) as reader,
        sink,
    ):
        drain = Drain(section, sink, store)
        store.on_event = drain.ring
        work = threading.Thread(target=drain.run)
        work.start()
        try:
            store.add_event("pressed", camera="door", at=NOON)  # one that is told at once
            _until(lambda: len(subscriber.ids) == 1)
            away_s = time.monotonic()
            broker.stop()
            stored = [
                store.add_event("pressed", camera="door", at=NOON + timedelta(seconds=n)).id
                for n in range(EVENTS)
            ]
            time.sleep(2)
            told_meanwhile = len(subscriber.ids) - 1
            back_s = time.monotonic()
            broker.start()
            _until(lambda: not reader.outbox_state() and set(stored) <= set(subscriber.ids))
            done_s = time.monotonic()
            left = sum(state.waiting + state.dead for state in reader.outbox_state())
        finally:
            drain.stop()
            work.join(WAIT_S)
    if told_meanwhile:
        raise RuntimeError("the broker was not away")
    told = subscriber.ids[1:]
    first = list(dict.fromkeys(told))
    return [
        str(len(stored)), str(len(set(told) & set(stored))), str(len(told) - len(first)),
        "yes" if first == sorted(first) else "NO", str(left),
        f"{back_s - away_s:.1f}", f"{done_s - back_s:.1f}",
    ]  # fmt: skip


def _until(done: object) -> None:
    """Wait for `done` for WAIT_S at most; the figures then say what is missing."""
    end_s = time.monotonic() + WAIT_S
    while not done() and time.monotonic() < end_s:  # type: ignore[operator]
        time.sleep(0.05)
