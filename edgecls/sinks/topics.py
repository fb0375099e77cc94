"""The names of a device's MQTT topics."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from edgecls._lib.slug import slug
from edgecls.sections.sinks import MqttSinkSection


def device_id(section: MqttSinkSection) -> str:
    """Return the device's name at the broker: the configured one, or of this machine."""
    return section.device_id or f"edgecls-{slug(socket.gethostname())}"


@dataclass(frozen=True, slots=True)
class Topics:
    """Where what is published.

    Args:    base: what all but the announcement begin with.   announcement: Home Assistant's.
    """

    base: str
    announcement: str
    home_assistant: str

    @property
    def availability(self) -> str:
        return f"{self.base}/availability"

    @property
    def events(self) -> str:
        return f"{self.base}/events"

    @property
    def state(self) -> str:
        return f"{self.base}/state"

    @property
    def command(self) -> str:
        return f"{self.base}/command"

    def of_camera(self, camera: str, what: str) -> str:
        """Return a camera's topic: what is "state", "ring" or "image"."""
        return f"{self.base}/cameras/{slug(camera)}/{what}"


def topics_from_section(section: MqttSinkSection) -> Topics:
    device = device_id(section)
    return Topics(
        base=f"{section.topic_prefix}/{device}",
        announcement=f"{section.discovery_prefix}/device/{device}/config",
        home_assistant=f"{section.discovery_prefix}/status",
    )
