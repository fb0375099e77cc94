"""A connection to an MQTT broker that comes back by itself: for triggers and sinks that use one."""

from __future__ import annotations

import logging
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode
from typing_extensions import Self

from edgecls._lib.deadline import Deadline
from edgecls.errors import ConfigError
from edgecls.logs import RepeatedError
from edgecls.sections.broker import BrokerSection
from edgecls.sections.secret import secret_from

log = logging.getLogger(__name__)

PROTOCOLS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
RECONNECT_MIN_S, RECONNECT_MAX_S = 1, 30
CONNECT_S = 5.0
FAREWELL_S = 1.0
LOOK_S = 0.2
"""Who waits for the broker's word looks this often whether the connection still stands."""
FINAL_REFUSALS = frozenset({0x90, 0x95, 0x99})
"""Topic name invalid, packet too large, payload format invalid: no repetition helps."""

Heard = Callable[[str, bytes, bool], None]
"""Takes a message: topic, payload, and whether it is an old one that the broker retained."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published, with QoS 1. Args: retain: the broker gives it to who comes later."""

    topic: str
    payload: bytes
    retain: bool = False


class BrokerError(OSError):
    """Report a message that the broker has not taken.

    Args:    final: it never will.   reached: it was there when we began.
    """

    def __init__(self, message: str, *, final: bool = False, reached: bool = True) -> None:
        super().__init__(message)
        self.final = final
        self.reached = reached


class BrokerConnection:
    """Stay connected between entering and leaving; a lost connection is made again, for ever.

    Args:    section: where and how.   client_id: who we are.
             what: names the user of the connection in the log.
             will: what the broker says when we vanish; we say it ourselves when we leave.
             on_connect: is called after each connect, in the connection's thread: it may `send`,
             not `publish`.
             subscriptions: what to do with messages, by topic.
    """

    def __init__(
        self,
        section: BrokerSection,
        *,
        client_id: str,
        what: str,
        will: Message | None = None,
        on_connect: Callable[[], None] = lambda: None,
        subscriptions: Mapping[str, Heard] | None = None,
    ) -> None:
        self._section = section
        self._will = will
        self._on_connect = on_connect
        self._subscriptions = dict(subscriptions or {})
        self._connected = threading.Event()
        self._subscribed = threading.Event()
        self._problem = "not connected yet"
        self._refused: dict[int, ReasonCode] = {}
        self._what = what
        self._trouble = RepeatedError(log, what)
        self._client = self._made(client_id)
        self._running = False

    def __enter__(self) -> Self:
        """Begin to connect; returns at once. Raises: ConfigError for a file that cannot be used."""
        section = self._section
        if section.user is not None:
            password = secret_from(section.password, section.password_file, field="password_file")
            self._client.username_pw_set(section.user, password)
        if section.tls:
            self._client.tls_set_context(_tls_context(section))
        self._client.connect_async(section.host, section.port_or_default, section.keepalive_s)
        self._client.loop_start()
        self._running = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say the will ourselves, and leave. May be called twice."""
        if not self._running:
            return
        self._running = False
        if self._will is not None and self.connected:
            info = self._published(self._will)
            try:
                info.wait_for_publish(FAREWELL_S)
            except (ValueError, RuntimeError):
                log.debug("the broker was gone before we could say good-bye")
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    @property
    def problem(self) -> str:
        """Return why there is no connection, as far as is known."""
        return self._problem

    def wait_connected(self, timeout_s: float) -> bool:
        """Block until there is a connection, for `timeout_s` at most."""
        return self._connected.wait(timeout_s)

    def wait_subscribed(self, timeout_s: float) -> bool:
        """Block until the broker has taken our subscriptions, for `timeout_s` at most."""
        return self._subscribed.wait(timeout_s)

    def send(self, message: Message) -> bool:
        """Publish without waiting for the broker's word; False when there is no connection."""
        return self.connected and self._published(message).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def publish(self, message: Message, *, timeout_s: float) -> None:
        """Publish, and wait until the broker has taken it.

        Raises:  BrokerError: no connection, no answer within `timeout_s`, or refused.
        """
        if not self.connected:
            raise BrokerError(self._problem, reached=False)
        info, deadline = self._published(message), Deadline(timeout_s)
        try:
            while not info.is_published() and self.connected and not deadline.passed:
                info.wait_for_publish(min(LOOK_S, deadline.remaining_s))
        except (ValueError, RuntimeError) as error:
            raise BrokerError(f"cannot publish to {message.topic}: {error}") from error
        refusal = self._refused.pop(info.mid, None)
        if refusal is not None:
            final = refusal.value in FINAL_REFUSALS
            raise BrokerError(f"the broker refused {message.topic}: {refusal}", final=final)
        if not info.is_published():
            silent = f"no word from the broker within {timeout_s:g} s"
            raise BrokerError(silent if self.connected else self._problem)

    def _published(self, message: Message) -> paho.MQTTMessageInfo:
        return self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)

    def _made(self, client_id: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=PROTOCOLS[self._section.protocol],
        )
        client.connect_timeout = CONNECT_S
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=self._will.retain)
        client.on_connect = self._connect
        client.on_connect_fail = self._connect_fail
        client.on_disconnect = self._disconnect
        client.on_message = self._message
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_publish = self._acknowledged
        return client

    # The connection's own thread calls what follows; paho hands over more than we need.

    def _connect(self, *args: Any) -> None:  # Any: as paho declares its callbacks
        reason: ReasonCode = args[3]
        if reason.is_failure:
            self._lost(f"{self._where} refused us: {reason}")
            return
        self._connected.set()
        self._problem = "not connected"
        self._trouble.recovered()
        log.info("%s: connected to %s", self._what, self._where)
        for topic in self._subscriptions:
            self._client.subscribe(topic, qos=1)
        self._on_connect()

    def _connect_fail(self, *args: Any) -> None:  # Any: as above
        del args
        error = sys.exc_info()[1]  # paho calls this while it handles the error, and keeps silent
        self._lost(f"cannot connect to {self._where}: {error}")

    def _disconnect(self, *args: Any) -> None:  # Any: as above
        reason: ReasonCode = args[3]
        was_connected = self._connected.is_set()
        self._connected.clear()
        self._subscribed.clear()
        if was_connected and self._running:
            self._lost(f"lost the connection to {self._where}: {reason}")

    def _message(self, *args: Any) -> None:  # Any: as above
        message: paho.MQTTMessage = args[2]
        for topic, heard in self._subscriptions.items():
            if paho.topic_matches_sub(topic, message.topic):
                heard(message.topic, bytes(message.payload), message.retain)

    def _acknowledged(self, *args: Any) -> None:  # Any: as above
        mid: int = args[2]
        reason: ReasonCode = args[3]
        if reason.is_failure:
            self._refused[mid] = reason

    def _lost(self, problem: str) -> None:
        self._problem = problem
        self._trouble.failed(BrokerError(problem))

    @property
    def _where(self) -> str:
        return f"the broker at {self._section.host}:{self._section.port_or_default}"


def _tls_context(section: BrokerSection) -> ssl.SSLContext:
    """Return what checks the broker's certificate and name, and shows ours.

    Raises:  ConfigError for a file that cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=section.ca_file)
        if section.certificate_file is not None:
            context.load_cert_chain(section.certificate_file, section.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"cannot use the certificates for {section.host}: {error}",
            hint="ca_file, certificate_file and key_file are PEM files, the key not encrypted",
        ) from error
    return context
