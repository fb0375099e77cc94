"""The device as Home Assistant is told of it: golden files, held against what it accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from edgecls import __version__
from edgecls.broker import Message
from edgecls.sections.sinks import MqttSinkSection
from edgecls.sinks.discovery import announcement
from edgecls.sinks.states import messages_from_state
from edgecls.sinks.topics import device_id, topics_from_section
from edgecls.types import CameraState, DeviceState
from tests.home_assistant import Announcement, Image, value_of

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "discovery"
CASES = {"one_camera": ["door"], "two_cameras": ["Front door", "Garten-Tür"]}


def section(**fields: object) -> MqttSinkSection:
    known = {"kind": "mqtt", "host": "broker", "device_id": "porch-1"}
    return MqttSinkSection.model_validate({**known, **fields})


def told(cameras: Sequence[str], **fields: object) -> dict[str, object]:
    """Return the announcement as it goes through JSON, the version taken out."""
    made = announcement(section(**fields), topics_from_section(section(**fields)), cameras)
    text = json.dumps(made, ensure_ascii=False).replace(__version__, "VERSION")
    parsed: dict[str, object] = json.loads(text)
    return parsed


@pytest.mark.parametrize("case", CASES)
def test_the_announcement_is_the_golden_one(case: str) -> None:
    path = GOLDEN / f"{case}.json"
    assert told(CASES[case]) == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_home_assistant_accepts_it(case: str) -> None:
    accepted = Announcement.model_validate_json(json.dumps(told(CASES[case])))
    platforms = [component.p for component in accepted.cmps.values()]
    for platform, count in {"binary_sensor": 3, "event": 1, "image": 1, "sensor": 4}.items():
        assert platforms.count(platform) >= count * len(CASES[case])
    assert platforms.count("button") == 1


def test_what_home_assistant_would_refuse_is_refused_here() -> None:
    """The check above can fail."""
    for spoil in (
        {"o": None},
        {"cmps": {}},
        {"cmps": {"a": {"p": "sensor", "name": "A", "state_topic": "a"}}},
        {"cmps": {"a": {"p": "event", "name": "A", "unique_id": "a", "state_topic": "a",
                        "device_class": "doorbell", "event_types": ["pressed"]}}},
        {"cmps": {"a": {"p": "button", "name": "A", "unique_id": "a", "state_topic": "a"}}},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            Announcement.model_validate_json(json.dumps({**told(["door"]), **spoil}))


STATE = DeviceState(
    cameras=(
        CameraState("Front door", True, True, True, 0.9312, 3.96, 12, 4),
        CameraState("Garten-Tür", False, None, None, None, 0.0, 0, 0),
    ),
    inference_ms=17.26,
    temperature_c=52.4,
)


def states() -> dict[str, dict[str, object]]:
    topics = topics_from_section(section())
    return {
        message.topic: json.loads(message.payload) for message in messages_from_state(STATE, topics)
    }


def test_every_template_finds_its_value() -> None:
    """Each component that reads a state reads it where it is published."""
    accepted = Announcement.model_validate_json(json.dumps(told(CASES["two_cameras"])))
    by_topic = states()
    read: dict[str, object] = {}
    for key, component in accepted.cmps.items():
        template = getattr(component, "value_template", None)
        if template is not None:
            read[key] = value_of(template, by_topic[component.state_topic])  # type: ignore[union-attr]
    assert read == {
        "front_door_person": "ON", "front_door_occupancy": "ON", "front_door_score": 0.93,
        "front_door_visits_today": 4, "front_door_frames_per_s": 4.0,
        "front_door_connected": "ON", "front_door_frames_dropped": 12,
        "garten_tur_person": None, "garten_tur_occupancy": None, "garten_tur_score": None,
        "garten_tur_visits_today": 0, "garten_tur_frames_per_s": 0.0,
        "garten_tur_connected": "OFF", "garten_tur_frames_dropped": 0,
        "inference_ms": 17.3, "temperature_c": 52.0,
    }  # fmt: skip
    published = sum(len(values) for values in by_topic.values())
    assert len(read) == published  # and nothing is published that nobody reads


def test_states_are_kept_by_the_broker() -> None:
    messages = list(messages_from_state(STATE, topics_from_section(section())))
    assert all(isinstance(message, Message) and message.retain for message in messages)


def test_without_pictures_no_image_is_announced() -> None:
    accepted = Announcement.model_validate_json(json.dumps(told(["door"], pictures=False)))
    assert not [one for one in accepted.cmps.values() if isinstance(one, Image)]


def test_prefixes_and_ids_are_the_configured_ones() -> None:
    ours = section(topic_prefix="home/doors", discovery_prefix="ha", device_id="d_1")
    topics = topics_from_section(ours)
    assert topics.announcement == "ha/device/d_1/config"
    assert topics.home_assistant == "ha/status"
    assert topics.availability == "home/doors/d_1/availability"
    assert topics.of_camera("Front door", "state") == "home/doors/d_1/cameras/front_door/state"
    assert re.fullmatch(r"edgecls-[a-z0-9_]+", device_id(section(device_id=None)))
