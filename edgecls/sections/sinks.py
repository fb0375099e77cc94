"""Who is told: one table per kind of sink."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from edgecls.sections.broker import BrokerSection
from edgecls.sections.section import Section

TOPIC = r"^[^\s#+\x00/]+(/[^\s#+\x00/]+)*$"


class SinkSection(Section):
    """What every sink has: when to try again, and when to give an event up."""

    name: str = Field(min_length=1, max_length=40, description="Tells sinks apart.")
    retry_min_s: float = Field(1.0, gt=0, le=60, description="Pause after a first failure.")
    retry_max_s: float = Field(
        300.0, gt=0, le=86_400, description="Longest pause; it doubles from retry_min_s up to this."
    )
    attempts_max: int = Field(
        200,
        ge=1,
        le=1_000_000,
        description="An event that is not taken so often is given up, and the next one is tried. "
        "It is kept as a dead letter and can be put back on the page. While nobody is there to "
        "take it, nothing is given up.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> SinkSection:
        if self.retry_min_s > self.retry_max_s:
            raise ValueError("retry_min_s must not be larger than retry_max_s")
        return self


class MqttSinkSection(SinkSection, BrokerSection):
    """An MQTT broker, and Home Assistant behind it."""

    kind: Literal["mqtt"]
    name: str = Field("mqtt", min_length=1, max_length=40, description="Tells sinks apart.")
    device_id: str | None = Field(
        None,
        pattern=r"^[a-zA-Z0-9_-]{1,64}$",
        description="Tells this device from others at the broker, in topics and in Home Assistant; "
        "edgecls-HOSTNAME if left out.",
    )
    device_name: str = Field(
        "Doorbell", min_length=1, max_length=40, description="Shown in Home Assistant."
    )
    topic_prefix: str = Field(
        "edgecls", max_length=64, pattern=TOPIC, description="All our topics begin with it."
    )
    pictures: bool = Field(True, description="Publish the last visitor's picture.")
    discovery: bool = Field(True, description="Announce the device to Home Assistant.")
    discovery_prefix: str = Field(
        "homeassistant", max_length=64, pattern=TOPIC, description="Where it listens for devices."
    )


class WebhookSinkSection(SinkSection):
    """An address that is told by POST, signed."""

    kind: Literal["webhook"]
    name: str = Field("webhook", min_length=1, max_length=40, description="Tells sinks apart.")
    url: str = Field(pattern=r"^https?://", max_length=2048, description="Where to.")
    secret: SecretStr | None = Field(None, description="Rather `secret_file`.")
    secret_file: Path | None = Field(
        None, description="A file with the key of the signature in it, at least 16 characters."
    )
    pictures: bool = Field(False, description="Send the snapshot along, in base64.")
    ca_file: Path | None = Field(
        None, description="Trust this certificate authority (PEM), not the system's."
    )
    timeout_s: float = Field(10.0, gt=0, le=300, description="For the whole delivery.")

    @field_validator("url")
    @classmethod
    def _askable(cls, url: str) -> str:
        if any(not "!" <= character <= "~" for character in url):
            raise ValueError("expected no spaces, and ASCII only: %20, or xn-- for a host name")
        try:
            host = urlsplit(url).hostname or ""
            host.encode("idna")  # as the resolver will: no empty label, none too long
        except ValueError:
            host = ""
        if not host:
            raise ValueError("expected a host name behind ://")
        try:
            port = urlsplit(url).port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError("expected a port from 1 to 65535, or none")
        return url

    @model_validator(mode="after")
    def _signed(self) -> WebhookSinkSection:
        if (self.secret is None) == (self.secret_file is None):
            raise ValueError("expected one of secret and secret_file")
        if self.ca_file is not None and not self.url.startswith("https"):
            raise ValueError("ca_file needs an https:// url")
        return self


AnySinkSection = Annotated[MqttSinkSection | WebhookSinkSection, Field(discriminator="kind")]

SINK_SECTIONS: Mapping[str, type[SinkSection]] = {
    "mqtt": MqttSinkSection,
    "webhook": WebhookSinkSection,
}
