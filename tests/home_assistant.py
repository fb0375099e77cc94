"""What Home Assistant accepts of a device's announcement, written down from its documentation.

The facts are those of https://www.home-assistant.io/integrations/mqtt ("Device discovery payload")
and of the pages of the platforms below it: which fields there are, and which must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Topic = Annotated[str, Field(min_length=1, max_length=65_535, pattern=r"^[^#+\x00]+$")]
Name = Annotated[str, Field(min_length=1)]


class Strict(BaseModel):
    """No field that Home Assistant does not know."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Device(Strict):
    """An entry of the device registry: identifiers or connections must be there."""

    identifiers: Annotated[list[Name], Field(min_length=1)]
    name: Name
    manufacturer: Name | None = None
    model: Name | None = None
    sw_version: Name | None = None


class Origin(Strict):
    """Who announces; must be there in a device's announcement."""

    name: Name
    sw_version: Name | None = None
    support_url: Name | None = None


class Entity(Strict):
    """What every platform takes. A device's component must have `p` and `unique_id`."""

    p: str
    unique_id: Name
    name: Name
    icon: Annotated[str, Field(pattern=r"^mdi:[a-z0-9-]+$")] | None = None
    entity_category: Literal["config", "diagnostic"] | None = None


class BinarySensor(Entity):
    """https://www.home-assistant.io/integrations/binary_sensor.mqtt/ - ON and OFF by default."""

    p: Literal["binary_sensor"]
    state_topic: Topic
    value_template: str | None = None
    device_class: Literal["occupancy", "connectivity", "motion", "tamper", "problem"] | None = None


class Sensor(Entity):
    """https://www.home-assistant.io/integrations/sensor.mqtt/"""

    p: Literal["sensor"]
    state_topic: Topic
    value_template: str | None = None
    device_class: Literal["temperature", "duration"] | None = None
    state_class: Literal["measurement", "total", "total_increasing"] | None = None
    unit_of_measurement: str | None = None
    suggested_display_precision: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _unit_of_its_class(self) -> Sensor:
        units = {"temperature": ("°C", "°F", "K"), "duration": ("d", "h", "min", "s", "ms", "µs")}
        if (
            self.device_class is not None
            and self.unit_of_measurement not in units[self.device_class]
        ):
            raise ValueError(f"{self.unit_of_measurement} is no unit of {self.device_class}")
        return self


class Event(Entity):
    """https://www.home-assistant.io/integrations/event.mqtt/ - a doorbell must know "ring"."""

    p: Literal["event"]
    state_topic: Topic
    event_types: Annotated[list[Name], Field(min_length=1)]
    device_class: Literal["doorbell", "button", "motion"] | None = None

    @model_validator(mode="after")
    def _rings(self) -> Event:
        if self.device_class == "doorbell" and "ring" not in self.event_types:
            raise ValueError('a doorbell must have the event type "ring"')
        return self


class Image(Entity):
    """https://www.home-assistant.io/integrations/image.mqtt/"""

    p: Literal["image"]
    image_topic: Topic
    content_type: Literal["image/jpeg", "image/png"] = "image/jpeg"


class Button(Entity):
    """https://www.home-assistant.io/integrations/button.mqtt/"""

    p: Literal["button"]
    command_topic: Topic
    payload_press: str = "PRESS"
    device_class: Literal["restart", "identify", "update"] | None = None


Component = Annotated[BinarySensor | Sensor | Event | Image | Button, Field(discriminator="p")]


class Announcement(Strict):
    """What stands at homeassistant/device/<object id>/config."""

    dev: Device
    o: Origin
    cmps: Annotated[dict[str, Component], Field(min_length=1)]
    availability_topic: Topic
    qos: Annotated[int, Field(ge=0, le=2)] = 0

    @field_validator("cmps")
    @classmethod
    def _unique(cls, components: dict[str, Any]) -> dict[str, Any]:
        ids = [component.unique_id for component in components.values()]
        if len(set(ids)) != len(ids):
            raise ValueError("two components have the same unique_id")
        return components


def value_of(template: str, state: Mapping[str, object]) -> object:
    """Return what Home Assistant reads from a state by a template of the kind we use."""
    key = template.removeprefix("{{ value_json.").removesuffix(" }}")
    assert key.isidentifier(), template
    return state[key]
