"""Several cameras, triggers and sinks: their kinds, their names, and every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgecls import config
from edgecls._lib import toml
from edgecls.errors import ConfigError
from edgecls.sections.sinks import MqttSinkSection, WebhookSinkSection
from edgecls.sections.triggers import ButtonTriggerSection

TWO_DOORS = """
[[cameras]]
kind = "rtsp"
name = "front"
source = "rtsp://front/1"
password_file = "secret"

[[cameras]]
kind = "demo"
name = "garden"

[[triggers]]
kind = "button"
pin = 17
camera = "garden"

[[triggers]]
kind = "http"

[[sinks]]
kind = "mqtt"
host = "broker.local"
tls = true
ca_file = "certificates/ca.pem"
user = "door"
password_file = "~/mqtt"

[[sinks]]
kind = "webhook"
url = "https://home.example/hook"
secret = "0123456789abcdef"
"""


def loaded(text: str) -> config.Config:
    return config.from_mapping(toml.loads(text), origin="test")


def faults(text: str) -> list[str]:
    """Return what is wrong with a file, a line each."""
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return list(config.faults(caught.value))


def test_several_of_each_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    path = tmp_path / "door.toml"
    path.write_text(TWO_DOORS)
    two = config.load(path)
    assert [camera.name for camera in two.cameras] == ["front", "garden"]
    assert [one.camera.name for one in two.of_each_camera()] == ["front", "garden"]
    assert [len(one.cameras) for one in two.of_each_camera()] == [1, 1]
    button, _ = two.triggers
    assert isinstance(button, ButtonTriggerSection)
    assert (button.name, button.camera, button.pin) == ("button", "garden", 17)
    mqtt, webhook = two.sinks
    assert isinstance(mqtt, MqttSinkSection)
    assert isinstance(webhook, WebhookSinkSection)
    assert mqtt.ca_file == tmp_path / "certificates" / "ca.pem"
    assert mqtt.password_file == Path("/home/me/mqtt")
    assert mqtt.port_or_default == 8883
    assert two.cameras[0].password_file == tmp_path / "secret"  # type: ignore[union-attr]


def test_one_camera_is_one_of_several() -> None:
    short = loaded('[camera]\nkind = "demo"\nname = "front"')
    assert short.cameras == loaded('[[cameras]]\nkind = "demo"\nname = "front"').cameras
    assert short.camera.name == "front"


def test_one_spelling_of_cameras_at_a_time() -> None:
    both = '[camera]\nkind = "demo"\n[[cameras]]\nkind = "demo"\n'
    assert faults(both) == ["camera: expected either [camera] or [[cameras]], not both"]
    assert faults("") == ["camera: missing"]
    (line,) = faults("cameras = []")
    assert line.startswith("cameras: ")


def test_every_fault_of_every_table_is_told_at_once() -> None:
    told = faults("""
        [[cameras]]
        kind = "demo"
        name = "Front door"
        [[cameras]]
        kind = "rstp"
        source = "http://front"
        name = "front-door"
        [[triggers]]
        pin = 99
        camera = "Font door"
        [[triggers]]
        kind = "telepathy"
        strength = 9
        [[sinks]]
        kind = "mqt"
        host = "broker"
        key_file = "key.pem"
        [[sinks]]
        kind = "webhook"
        url = "https://home.example/?key=HUNTER2"
        secret = 7
        [[sinks]]
        nonsense = 1
    """)
    assert told[:7] == [
        "cameras.1.kind: unknown kind 'rstp', did you mean 'rtsp'?",
        "triggers.0.kind: missing, expected one of button, mqtt, http",
        "triggers.1.kind: unknown kind 'telepathy', expected one of button, mqtt, http",
        "sinks.0.kind: unknown kind 'mqt', did you mean 'mqtt'?",
        "sinks.2.kind: missing, expected one of mqtt, webhook",
        "cameras.1.name: 'front-door' is not told from another camera's 'Front door', "
        "expected a name of its own",
        "triggers.0.camera: there is no camera 'Font door', did you mean 'Front door'?",
    ]
    assert sorted(line.partition(": ")[0] for line in told[7:]) == [
        "cameras.1.source", "sinks.0", "sinks.1.secret", "sinks.2.nonsense",
        "triggers.0.pin", "triggers.1.strength",
    ]  # fmt: skip
    assert "HUNTER2" not in "".join(told)


def test_two_tables_of_a_kind_need_names() -> None:
    cameras = '[[cameras]]\nkind = "demo"\n' * 2
    assert faults(cameras) == [
        "cameras.1.name: 'door' is not told from another camera's 'door', "
        "expected a name of its own"
    ]
    buttons = "".join(f'[[triggers]]\nkind = "button"\npin = {pin}\n' for pin in (17, 27))
    assert faults(f'camera = {{kind = "demo"}}\n{buttons}') == [
        "triggers.1.name: 'button' is not told from another trigger's 'button', "
        "expected a name of its own"
    ]


def test_one_trigger_rings_by_http() -> None:
    triggers = "".join(f'[[triggers]]\nkind = "http"\nname = "{name}"\n' for name in "ab")
    assert faults(f'camera = {{kind = "demo"}}\n{triggers}') == [
        'triggers.1.kind: there is one POST /api/press, expected one trigger of kind "http"'
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('ca_file = "ca.pem"', "ca_file, certificate_file and key_file need tls = true"),
        ('tls = true\ncertificate_file = "c"', "certificate_file and key_file need each other"),
        ('password_file = "p"', "a password needs a user"),
        ('user = "u"\npassword = "x"\npassword_file = "p"', "password or password_file, not both"),
        ("retry_min_s = 9\nretry_max_s = 2", "retry_min_s must not be larger than retry_max_s"),
    ],
)
def test_fields_of_a_broker_that_do_not_fit(fields: str, message: str) -> None:
    text = f'camera = {{kind = "demo"}}\n[[sinks]]\nkind = "mqtt"\nhost = "broker"\n{fields}'
    (line,) = faults(text)
    assert line.startswith("sinks.0: ")
    assert message in line


@pytest.mark.parametrize("secrets", ["", 'secret = "a"\nsecret_file = "b"'])
def test_a_webhook_is_always_signed(secrets: str) -> None:
    text = f'camera = {{kind = "demo"}}\n[[sinks]]\nkind = "webhook"\nurl = "http://a/b"\n{secrets}'
    assert faults(text) == ["sinks.0: expected one of secret and secret_file"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://home", "expected http://... or https://..., received 'ftp://home'"),
        ("http:///hook", "expected a host name behind ://, received 'http:///hook'"),
        ("http://:80/", "expected a host name behind ://"),
        ("http://me:HUNTER2@/", "expected a host name behind ://, received 'http:///'"),
        ("http://[::1/", "expected a host name behind ://"),
        ("http://home..lan/", "expected a host name behind ://"),
        (f"http://{'a' * 64}.lan/", "expected a host name behind ://"),
        ("http://home:0/", "expected a port from 1 to 65535, or none, received 'http://home:0/'"),
        ("http://home:65536/", "expected a port from 1 to 65535, or none"),
        ("http://home:hook/", "expected a port from 1 to 65535, or none"),
        ("http://home/a b", "expected no spaces, and ASCII only"),
        ("http://home/a\\tb", "expected no spaces, and ASCII only"),
        ("http://häuschen/", "expected no spaces, and ASCII only"),
    ],
)
def test_a_webhook_is_an_address_that_can_be_asked(url: str, message: str) -> None:
    text = f'camera = {{kind = "demo"}}\n[[sinks]]\nkind = "webhook"\nurl = "{url}"\nsecret = "s"'
    (line,) = faults(text)
    assert line.startswith(f"sinks.0.url: {message}")
    assert "HUNTER2" not in line


@pytest.mark.parametrize(
    "url",
    ["https://home.example/a%20b?key=1", "http://[::1]:8080", "http://10.0.0.2:1/x", "http://h"],
)
def test_a_webhook_s_address_may_be(url: str) -> None:
    text = f'camera = {{kind = "demo"}}\n[[sinks]]\nkind = "webhook"\nurl = "{url}"\nsecret = "s"'
    (webhook,) = loaded(text).sinks
    assert isinstance(webhook, WebhookSinkSection)
    assert webhook.url == url


def test_secrets_are_not_printed() -> None:
    assert "0123456789abcdef" not in repr(loaded(TWO_DOORS))
