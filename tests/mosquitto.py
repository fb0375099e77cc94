"""A real MQTT broker for tests: Debian's mosquitto on loopback, and somebody who listens to it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from typing_extensions import Self

BROKER = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
START_S = 20.0
WAIT_S = 20.0


def why_no_broker() -> str | None:
    """Say what this machine lacks for a real broker, or None."""
    return None if Path(BROKER).exists() else "mosquitto is not installed"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Mosquitto:
    """Run a broker between entering and leaving; `stop` and `start` again on the same port.

    Args:    folder: for its configuration.   lines: of it, besides the listener's.
    """

    def __init__(self, folder: Path, lines: Sequence[str] = ("allow_anonymous true",)) -> None:
        self.port = free_port()
        self._config = folder / f"mosquitto-{self.port}.conf"
        user = "user root\n" if folder.owner() == "root" else ""
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\npersistence false\n{user}" + "\n".join(lines) + "\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [BROKER, "-c", str(self._config)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self._process.poll() is None, "mosquitto ended"
            time.sleep(0.02)
        raise AssertionError(f"mosquitto did not listen within {START_S:g} s")

    def stop(self) -> None:
        """End it as a service manager would. May be called twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_S)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclass(frozen=True)
class Told:
    """A message as a listener got it."""

    topic: str
    payload: bytes
    retained: bool


class Listener:
    """Hear what is published between entering and leaving; comes back after a broker's restart."""

    def __init__(self, port: int, *topics: str) -> None:
        self.told: list[Told] = []
        self._port = port
        self._topics = topics or ("#",)
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="listener", clean_session=True
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._connect
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._message

    def __enter__(self) -> Self:
        self.client.connect_async("127.0.0.1", self._port)
        self.client.loop_start()
        self.ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def ready(self) -> None:
        """Wait until it listens."""
        assert self._subscribed.wait(WAIT_S), "the listener could not subscribe"

    def forget(self) -> None:
        """Forget what was told, and that it listens: the broker is about to go."""
        self.told.clear()
        self._subscribed.clear()

    def payloads(self, topic: str) -> list[bytes]:
        """Return what was told on one topic, in order."""
        return [told.payload for told in list(self.told) if told.topic == topic]

    def wait_for(self, topic: str, payload: bytes | None = None, *, count: int = 1) -> list[bytes]:
        """Return what was told on a topic, once `payload`, or `count` messages, are among it."""

        def is_there() -> bool:
            found = self.payloads(topic)
            return len(found) >= count and (payload is None or payload in found)

        with self._changed:
            assert self._changed.wait_for(is_there, WAIT_S), (topic, payload, self.told[-5:])
        return self.payloads(topic)

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(WAIT_S)

    def _connect(self, *_: object) -> None:
        for topic in self._topics:
            self.client.subscribe(topic, qos=1)

    def _message(self, client: object, data: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.told.append(Told(message.topic, bytes(message.payload), message.retain))
            self._changed.notify_all()
