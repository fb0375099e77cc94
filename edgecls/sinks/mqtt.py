"""Events, the device's state and its announcement, published to an MQTT broker."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from types import TracebackType

from typing_extensions import Self

from edgecls._lib.slug import slug
from edgecls.broker import BrokerConnection, BrokerError, Message
from edgecls.errors import SinkError
from edgecls.sections.sinks import MqttSinkSection
from edgecls.sinks.discovery import OFFLINE, ONLINE, PICTURE, RESTART, RING, announcement
from edgecls.sinks.event_object import object_from_event
from edgecls.sinks.states import messages_from_state
from edgecls.sinks.topics import device_id, topics_from_section
from edgecls.types import DeviceState, Event

log = logging.getLogger(__name__)

ACKNOWLEDGED_S = 10.0
FRESH = timedelta(seconds=60)
"""A press that is delivered later than this rings no bell any more; it is told all the same."""
WITH_PICTURE = ("visit_started", "visit_ended", "pressed")


class MqttSink:
    """Publish events with QoS 1, and show Home Assistant what it wants to know.

    Args:    cameras: their names.   restart: asks the daemon to start anew.
             now: the wall clock, UTC.
    """

    def __init__(
        self,
        section: MqttSinkSection,
        *,
        cameras: Sequence[str],
        restart: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._section = section
        self._cameras = tuple(cameras)
        self._restart = restart
        self._now = now
        self._topics = topics_from_section(section)
        self._turn = threading.Lock()
        self._shown: dict[str, bytes] = {}
        self._connection = self._made(
            will=Message(self._topics.availability, OFFLINE, retain=True),
            on_connect=self._introduce,
        )

    def __enter__(self) -> Self:
        """Connect, sooner or later. Raises: ConfigError for a file that cannot be used."""
        self._connection.__enter__()
        return self

    def close(self) -> None:
        """Say that the device is offline, and leave. May be called twice."""
        self._connection.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def deliver(self, event: Event, snapshot: bytes | None) -> None:
        """Publish an event, its picture, and the doorbell's ring; see `ports.Sink`."""
        told = object_from_event(event, device=device_id(self._section))
        messages = []
        if snapshot is not None and self._section.pictures and event.kind in WITH_PICTURE:
            place = self._topics.of_camera(event.camera, PICTURE)
            messages.append(Message(place, snapshot, retain=True))
        messages.append(Message(self._topics.events, _json(told)))
        if event.kind == "pressed" and self._now() - event.at <= FRESH:
            place = self._topics.of_camera(event.camera, RING)
            messages.append(Message(place, _json({"event_type": RING, **told})))
        try:
            for message in messages:
                self._connection.publish(message, timeout_s=ACKNOWLEDGED_S)
        except BrokerError as error:
            raise SinkError(str(error), retryable=not error.final, reached=error.reached) from error

    def report(self, state: DeviceState) -> None:
        """Publish what has changed since the last report; see `ports.StateSink`."""
        with self._turn:
            for message in messages_from_state(state, self._topics):
                if self._shown.get(message.topic) != message.payload:
                    self._shown[message.topic] = message.payload
                    self._connection.send(message)  # else it is sent on the next connect

    def retract(self, timeout_s: float) -> None:
        """Take back the announcement and all that the broker keeps; see `ports.StateSink`."""
        topics = self._topics
        kept = [topics.announcement, topics.availability, topics.state]
        for camera in self._cameras:
            kept += [topics.of_camera(camera, what) for what in ("state", PICTURE)]
        with self._made(will=None, on_connect=lambda: None) as connection:
            if not connection.wait_connected(timeout_s):
                raise SinkError(connection.problem, retryable=True)
            try:
                for topic in kept:
                    connection.publish(Message(topic, b"", retain=True), timeout_s=timeout_s)
            except BrokerError as error:
                raise SinkError(str(error), retryable=True) from error

    def _made(self, *, will: Message | None, on_connect: Callable[[], None]) -> BrokerConnection:
        ours = f"{device_id(self._section)}-{slug(self._section.name)}"
        heard = {self._topics.command: self._commanded}
        if self._section.discovery:
            heard[self._topics.home_assistant] = self._home_assistant_says
        return BrokerConnection(
            self._section,
            client_id=self._section.client_id or ours,
            what=f"sink {self._section.name}",
            will=will,
            on_connect=on_connect,
            subscriptions=heard if will is not None else None,
        )

    def _introduce(self) -> None:
        """Announce the device, say that it is there, and show its state anew."""
        if self._section.discovery:
            told = announcement(self._section, self._topics, self._cameras)
            self._connection.send(Message(self._topics.announcement, _json(told), retain=True))
        self._connection.send(Message(self._topics.availability, ONLINE, retain=True))
        with self._turn:
            for topic, payload in self._shown.items():
                self._connection.send(Message(topic, payload, retain=True))

    def _home_assistant_says(self, topic: str, payload: bytes, retained: bool) -> None:
        del topic
        if payload == ONLINE and not retained:  # a retained one: we introduce ourselves anyway
            self._introduce()

    def _commanded(self, topic: str, payload: bytes, retained: bool) -> None:
        if payload == RESTART and not retained:
            log.info("asked to restart by way of %s", topic)
            self._restart()


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")
