"""What rings: one table per kind of trigger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from edgecls.sections.broker import BrokerSection
from edgecls.sections.section import Section

BCM_PIN_MAX = 53


class TriggerSection(Section):
    """What every trigger has."""

    name: str = Field(min_length=1, max_length=40, description="Tells triggers apart.")
    camera: str | None = Field(
        None, description="Name of the camera at that door; the first one if left out."
    )


class ButtonTriggerSection(TriggerSection):
    """A button between a GPIO pin and ground (or 3.3 V)."""

    kind: Literal["button"]
    name: str = Field("button", min_length=1, max_length=40, description="Tells triggers apart.")
    pin: int = Field(ge=0, le=BCM_PIN_MAX, description="Number of the GPIO line (Broadcom's).")
    pull_up: bool = Field(
        True, description="The button connects the pin to ground; false: to 3.3 V."
    )
    debounce_ms: float = Field(
        30.0, ge=0, le=1000, description="Contacts that open and close so soon are one press."
    )


class MqttTriggerSection(TriggerSection, BrokerSection):
    """A topic of an MQTT broker."""

    kind: Literal["mqtt"]
    name: str = Field("mqtt", min_length=1, max_length=40, description="Tells triggers apart.")
    topic: str = Field(
        min_length=1, max_length=256, pattern=r"^[^\x00]+$", description="A message there rings."
    )
    payload: str | None = Field(
        None, max_length=256, description="Only this text rings; any message if left out."
    )


class HttpTriggerSection(TriggerSection):
    """POST /api/press on the page, with a token of scope "press"."""

    kind: Literal["http"]
    name: str = Field("http", min_length=1, max_length=40, description="Tells triggers apart.")


AnyTriggerSection = Annotated[
    ButtonTriggerSection | MqttTriggerSection | HttpTriggerSection, Field(discriminator="kind")
]

TRIGGER_SECTIONS: Mapping[str, type[TriggerSection]] = {
    "button": ButtonTriggerSection,
    "mqtt": MqttTriggerSection,
    "http": HttpTriggerSection,
}
