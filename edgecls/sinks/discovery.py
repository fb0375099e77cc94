"""The device as Home Assistant is told of it: one message with all its entities.

Follows Home Assistant's "MQTT device discovery": a retained message at
<prefix>/device/<id>/config with the device ("dev"), the origin ("o") and the components ("cmps"),
each with its platform ("p") and a unique id of its own. An empty message there takes it all back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgecls import __version__
from edgecls._lib.slug import slug
from edgecls.sections.sinks import MqttSinkSection
from edgecls.sinks.topics import Topics, device_id

ONLINE, OFFLINE = b"online", b"offline"
ON, OFF = "ON", "OFF"
RING = "ring"
"""What Home Assistant expects of every doorbell."""
RESTART = b"restart"
PICTURE = "image"

Object = dict[str, object]


@dataclass(frozen=True, slots=True)
class Component:
    """One entity.

    Args:    key: its word in ids, and in the state's JSON.   name: for people.
             platform: Home Assistant's word for its kind.
             more: what else is announced of it.
    """

    key: str
    name: str
    platform: str
    more: Mapping[str, object] = field(default_factory=dict)


def _measured(unit: str | None, digits: int, **more: object) -> Object:
    """Return what every figure has."""
    unit_field: Object = {} if unit is None else {"unit_of_measurement": unit}
    return {
        "state_class": "measurement",
        "suggested_display_precision": digits,
        **unit_field,
        **more,
    }


DIAGNOSTIC = {"entity_category": "diagnostic"}

OF_CAMERA = (
    Component("person", "Person", "binary_sensor", {"icon": "mdi:account"}),
    Component("occupancy", "Occupancy", "binary_sensor", {"device_class": "occupancy"}),
    Component(RING, "Doorbell", "event", {"device_class": "doorbell", "event_types": [RING]}),
    Component(PICTURE, "Last visitor", "image", {"content_type": "image/jpeg"}),
    Component("score", "Score", "sensor", _measured(None, 2, icon="mdi:gauge")),
    Component("visits_today", "Visits today", "sensor",
              {"state_class": "total_increasing", "icon": "mdi:counter"}),
    Component("frames_per_s", "Frames", "sensor", _measured("frames/s", 1, icon="mdi:filmstrip")),
    Component("connected", "Camera", "binary_sensor",
              {"device_class": "connectivity", **DIAGNOSTIC}),
    Component("frames_dropped", "Dropped frames", "sensor",
              {"state_class": "total_increasing", "icon": "mdi:filmstrip-off", **DIAGNOSTIC}),
)  # fmt: skip

OF_DEVICE = (
    Component("inference_ms", "Inference", "sensor",
              _measured("ms", 1, device_class="duration", **DIAGNOSTIC)),
    Component("temperature_c", "Processor temperature", "sensor",
              _measured("°C", 0, device_class="temperature", **DIAGNOSTIC)),
    Component("restart", "Restart", "button",
              {"device_class": "restart", "payload_press": RESTART.decode(),
               "entity_category": "config"}),
)  # fmt: skip


def announcement(section: MqttSinkSection, topics: Topics, cameras: Sequence[str]) -> Object:
    """Return the message that announces the device, with the components of every camera.

    With one camera its components are named as they are, with several after the camera.
    """
    device = device_id(section)
    several = len(cameras) > 1
    components: Object = {}
    for camera in cameras:
        for component in OF_CAMERA:
            if component.platform == "image" and not section.pictures:
                continue
            name = f"{camera} {component.name.lower()}" if several else component.name
            key = f"{slug(camera)}_{component.key}"
            place = _place_of_camera(component, topics, camera)
            components[key] = _described(component, name, f"{device}_{key}", place)
    for component in OF_DEVICE:
        place = _place_of_device(component, topics)
        unique_id = f"{device}_{component.key}"
        components[component.key] = _described(component, component.name, unique_id, place)
    return {
        "dev": {
            "identifiers": [device],
            "name": section.device_name,
            "manufacturer": "edgecls",
            "model": "Doorbell camera",
            "sw_version": __version__,
        },
        "o": {"name": "edgecls", "sw_version": __version__},
        "cmps": components,
        "availability_topic": topics.availability,
        "qos": 1,
    }


def _described(component: Component, name: str, unique_id: str, place: Object) -> Object:
    return {
        "p": component.platform,
        "name": name,
        "unique_id": unique_id,
        **place,
        **component.more,
    }


def _place_of_camera(component: Component, topics: Topics, camera: str) -> Object:
    """Return where a camera's component is found."""
    if component.platform == "event":
        return {"state_topic": topics.of_camera(camera, RING)}
    if component.platform == "image":
        return {"image_topic": topics.of_camera(camera, PICTURE)}
    return _in_state(topics.of_camera(camera, "state"), component)


def _place_of_device(component: Component, topics: Topics) -> Object:
    if component.platform == "button":
        return {"command_topic": topics.command}
    return _in_state(topics.state, component)


def _in_state(topic: str, component: Component) -> Object:
    return {"state_topic": topic, "value_template": f"{{{{ value_json.{component.key} }}}}"}
