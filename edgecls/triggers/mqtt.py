"""A topic of an MQTT broker that rings."""

from __future__ import annotations

import socket
from types import TracebackType

from typing_extensions import Self

from edgecls._lib.slug import slug
from edgecls.broker import BrokerConnection
from edgecls.sections.triggers import MqttTriggerSection
from edgecls.triggers.waiting import WaitingPresses


class MqttTrigger(WaitingPresses):
    """Ring at each message. An old one that the broker had retained is no press."""

    def __init__(self, section: MqttTriggerSection) -> None:
        super().__init__(section.name)
        self._payload = None if section.payload is None else section.payload.encode("utf-8")
        ours = f"edgecls-{slug(socket.gethostname())}-trigger-{slug(section.name)}"
        self._connection = BrokerConnection(
            section,
            client_id=section.client_id or ours,
            what=f"trigger {section.name}",
            subscriptions={section.topic: self._heard},
        )

    def __enter__(self) -> Self:
        """Connect, sooner or later. Raises: ConfigError for a file that cannot be used."""
        super().__enter__()
        self._connection.__enter__()
        return self

    def close(self) -> None:
        """Leave the broker. May be called twice."""
        self._connection.close()
        super().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _heard(self, topic: str, payload: bytes, retained: bool) -> None:
        del topic
        if not retained and self._payload in (None, payload):
            self.ring()
