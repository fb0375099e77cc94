"""What a broker may hand us: any topic, any payload, retained or not."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis.strategies import SearchStrategy
from paho.mqtt import client as paho

from edgecls.sections.sinks import MqttSinkSection
from edgecls.sections.triggers import MqttTriggerSection
from edgecls.sinks.mqtt import RESTART, MqttSink
from edgecls.triggers.mqtt import MqttTrigger
from edgecls.triggers.waiting import WaitingPresses
from tests.fuzz.strategies import made, some_text
from tests.fuzz.target import Target

PAYLOADS = (b"", b"ring", b"RING", b"online", b"offline", RESTART, b"{}", b"\xff\xfe", b"null")


@dataclass(frozen=True)
class Delivery:
    topic: str
    payload: bytes
    retained: bool

    def message(self) -> paho.MQTTMessage:
        message = paho.MQTTMessage(topic=self.topic.encode("utf-8"))
        message.payload = self.payload
        message.retain = self.retained
        return message


def trigger() -> Target:
    """It rings for its own payload on its own topic, and for nothing else."""
    section = MqttTriggerSection(kind="mqtt", host="broker", topic="home/bell", payload="ring")

    def check(delivery: Delivery) -> None:
        bell = MqttTrigger(section)
        WaitingPresses.__enter__(bell)  # open, but without a broker
        bell._connection._message(None, None, delivery.message())
        rings = (
            delivery.topic == "home/bell" and delivery.payload == b"ring" and not delivery.retained
        )
        assert (bell.wait(0.0) is not None) is rings

    return Target("MQTT, trigger", _deliveries("home/bell"), check, 1.0)


def commands() -> Target:
    """It restarts for the one command, and lets no payload disturb it."""
    section = MqttSinkSection(kind="mqtt", host="broker")
    asked: list[bool] = []
    sink = MqttSink(section, cameras=["door"], restart=lambda: asked.append(True))
    command = sink._topics.command

    def check(delivery: Delivery) -> None:
        asked.clear()
        sink._connection._message(None, None, delivery.message())
        due = delivery.topic == command and delivery.payload == RESTART and not delivery.retained
        assert bool(asked) is due

    return Target("MQTT, commands", _deliveries(command, "homeassistant/status"), check, 1.0)


def _deliveries(*topics: str) -> SearchStrategy[Delivery]:
    def build(chance: random.Random) -> Delivery:
        bent = (chance.choice(topics) + "/x", some_text(chance) or "a", "homeassistant/status")
        topic = chance.choice(topics) if chance.random() < 0.7 else chance.choice(bent)
        payload = (
            chance.choice(PAYLOADS)
            if chance.random() < 0.6
            else chance.randbytes(chance.randrange(40))
        )
        return Delivery(
            topic.replace("#", "").replace("+", "") or "a", payload, chance.random() < 0.3
        )

    return made(build)
