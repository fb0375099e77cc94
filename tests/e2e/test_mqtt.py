"""The MQTT sink on a real broker: TLS, will, restarts, Home Assistant, 500 events of an outage."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edgecls.daemon.outbox import Drain
from edgecls.errors import ConfigError, SinkError
from edgecls.sections.sinks import MqttSinkSection
from edgecls.sections.store import StoreSection
from edgecls.sinks.mqtt import FRESH, MqttSink
from edgecls.store.reader import StoreReader
from edgecls.store.store import Store
from edgecls.testing.door import NOON
from edgecls.types import CameraState, DeviceState, Event
from tests.home_assistant import Announcement
from tests.mosquitto import WAIT_S, Listener, Mosquitto, why_no_broker

pytestmark = pytest.mark.skipif(why_no_broker() is not None, reason=str(why_no_broker()))

ROOT = Path(__file__).resolve().parents[2]
BASE = "edgecls/porch"
AVAILABLE = f"{BASE}/availability"
ANNOUNCED = "homeassistant/device/porch/config"
EVENTS = 500


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def listener(broker: Mosquitto) -> Iterator[Listener]:
    with Listener(broker.port) as listening:
        yield listening


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory where there is one: 500 events need no real disk's fsync."""
    usable = os.access("/dev/shm", os.W_OK)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if usable else tmp_path) as folder:
        yield Path(folder)


def section(port: int, **fields: object) -> MqttSinkSection:
    known = {"kind": "mqtt", "host": "127.0.0.1", "port": port, "device_id": "porch"}
    return MqttSinkSection.model_validate(
        {**known, "retry_min_s": 0.05, "retry_max_s": 0.5, **fields}
    )


def sink(broker: Mosquitto, **fields: object) -> MqttSink:
    return MqttSink(
        section(broker.port, **fields), cameras=["door"], restart=lambda: None, now=lambda: NOON
    )


def state(visits: int) -> DeviceState:
    return DeviceState((CameraState("door", True, False, False, 0.1, 4.0, 0, visits),), 17.0, 50.0)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_it_introduces_itself_shows_its_state_and_leaves(
    broker: Mosquitto, listener: Listener, protocol: str
) -> None:
    with sink(broker, protocol=protocol) as porch:
        listener.wait_for(AVAILABLE, b"online")
        (told,) = listener.wait_for(ANNOUNCED)
        Announcement.model_validate_json(told)
        porch.report(state(1))
        porch.report(state(1))  # nothing changed: nothing is told
        porch.report(state(2))
        states = listener.wait_for(f"{BASE}/cameras/door/state", count=2)
        assert [json.loads(payload)["visits_today"] for payload in states] == [1, 2]
        assert len(listener.payloads(f"{BASE}/state")) == 1
    listener.wait_for(AVAILABLE, b"offline")
    with Listener(broker.port) as late:  # who comes later finds what the broker keeps
        late.wait_for(AVAILABLE, b"offline")
        late.wait_for(ANNOUNCED)
        late.wait_for(f"{BASE}/cameras/door/state")
        assert all(told.retained for told in late.told)


def test_a_press_rings_with_its_picture(broker: Mosquitto, listener: Listener) -> None:
    pressed = Event(7, "pressed", "door", NOON, None, 0.9, "a.jpg", True)
    late = Event(8, "pressed", "door", NOON - 2 * FRESH, None, 0.9, "a.jpg", True)
    with sink(broker) as porch:
        listener.wait_for(AVAILABLE, b"online")
        porch.deliver(pressed, b"\xff\xd8jpeg")
        porch.deliver(late, b"\xff\xd8late")
        listener.wait_for(f"{BASE}/events", count=2)
    (ring,) = listener.payloads(f"{BASE}/cameras/door/ring")  # the late one rings no more
    told = json.loads(ring)
    assert (told["event_type"], told["id"], told["somebody"]) == ("ring", 7, True)
    pictures = listener.payloads(f"{BASE}/cameras/door/image")
    assert pictures == [b"\xff\xd8jpeg", b"\xff\xd8late"]


def test_it_introduces_itself_anew_to_home_assistant(broker: Mosquitto, listener: Listener) -> None:
    with sink(broker) as porch:
        listener.wait_for(AVAILABLE, b"online")
        porch.report(state(3))
        listener.wait_for(f"{BASE}/cameras/door/state")
        listener.say("homeassistant/status", b"offline")
        listener.say("homeassistant/status", b"online")
        listener.wait_for(ANNOUNCED, count=2)
        listener.wait_for(AVAILABLE, count=2)
        listener.wait_for(f"{BASE}/cameras/door/state", count=2)


def test_the_restart_button_asks_the_daemon(broker: Mosquitto, listener: Listener) -> None:
    asked = threading.Event()
    listener.say(f"{BASE}/command", b"restart", retain=True)  # an old one is no command
    with MqttSink(section(broker.port), cameras=["door"], restart=asked.set):
        listener.wait_for(AVAILABLE, b"online")
        listener.say(f"{BASE}/command", b"something else")
        listener.say(f"{BASE}/other", b"restart")
        assert not asked.wait(0.2)
        listener.say(f"{BASE}/command", b"restart")
        assert asked.wait(WAIT_S)


def test_it_comes_back_after_the_brokers_restart(broker: Mosquitto, listener: Listener) -> None:
    with sink(broker) as porch:
        listener.wait_for(AVAILABLE, b"online")
        porch.report(state(1))
        listener.wait_for(f"{BASE}/state")
        listener.forget()
        broker.stop()
        porch.report(state(2))  # while nobody is there
        with pytest.raises(SinkError) as caught:
            porch.deliver(Event(1, "pressed", "door", NOON, None, None, None), None)
        assert caught.value.retryable
        broker.start()
        listener.ready()
        listener.wait_for(AVAILABLE, b"online")
        listener.wait_for(ANNOUNCED)
        states = listener.wait_for(f"{BASE}/cameras/door/state")
        assert json.loads(states[-1])["visits_today"] == 2


@pytest.mark.parametrize("goes_again", [False, True])
def test_500_events_of_an_outage_are_told_in_order(
    broker: Mosquitto, listener: Listener, memory: Path, goes_again: bool
) -> None:
    """Each at least once, also when the broker goes again in the middle of them."""
    with (
        Store(StoreSection(folder=memory, free_bytes_min=0), sinks=("mqtt",)) as store,
        StoreReader(memory) as reader,
        sink(broker) as porch,
    ):
        listener.wait_for(AVAILABLE, b"online")
        listener.forget()
        broker.stop()
        for number in range(EVENTS):
            store.add_event("pressed", camera="door", at=NOON + timedelta(seconds=number))
        broker.start()
        listener.ready()
        drain = Drain(section(broker.port), porch, store)
        draining = threading.Thread(target=drain.run)
        draining.start()
        if goes_again:
            listener.wait_for(f"{BASE}/events", count=EVENTS // 3)
            broker.stop()
            broker.start()
        end = time.monotonic() + 4 * WAIT_S
        while reader.outbox_state() and time.monotonic() < end:
            time.sleep(0.05)
        drain.stop()
        draining.join(WAIT_S)
        assert reader.outbox_state() == ()
        assert drain.delivered == EVENTS
        if not goes_again:
            listener.wait_for(f"{BASE}/events", count=EVENTS)
    ids = [json.loads(told)["id"] for told in listener.payloads(f"{BASE}/events")]
    assert ids == sorted(ids)
    if not goes_again:  # else the listener was away too when some of them were told
        assert list(dict.fromkeys(ids)) == list(range(1, EVENTS + 1))


DAEMON = """
import sys, time
from edgecls.sections.sinks import MqttSinkSection
from edgecls.sinks.mqtt import MqttSink
section = MqttSinkSection(kind="mqtt", host="127.0.0.1", port=int(sys.argv[1]), device_id="porch")
with MqttSink(section, cameras=["door"], restart=lambda: None):
    time.sleep(60)
"""


def test_the_broker_says_that_a_killed_daemon_is_offline(
    broker: Mosquitto, listener: Listener
) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(broker.port)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        listener.wait_for(AVAILABLE, b"online")
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait(WAIT_S)
    listener.wait_for(AVAILABLE, b"offline")


def test_taken_back_nothing_of_it_stays(broker: Mosquitto, listener: Listener) -> None:
    with sink(broker) as porch:
        listener.wait_for(AVAILABLE, b"online")
        porch.report(state(1))
        porch.deliver(Event(1, "pressed", "door", NOON, None, 0.9, "a.jpg", True), b"jpeg")
    listener.wait_for(AVAILABLE, b"offline")
    sink(broker).retract(WAIT_S)
    with Listener(broker.port) as late:
        late.say("end", b"")
        late.wait_for("end")
        assert [told.topic for told in late.told] == ["end"]


def test_nobody_to_take_it_back_from(broker: Mosquitto) -> None:
    broker.stop()
    with pytest.raises(SinkError, match=f"cannot connect to the broker at 127.0.0.1:{broker.port}"):
        sink(broker).retract(0.5)


def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(passwords), "door", "right"], check=True, timeout=20
    )
    passwords.chmod(0o600)
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    event = Event(1, "pressed", "door", NOON, None, None, None)
    with Mosquitto(tmp_path, lines) as broker:
        for password, works in (("wrong", False), ("right", True)):
            (tmp_path / "mqtt-password").write_text(f"{password}\n")
            fields = {"user": "door", "password_file": tmp_path / "mqtt-password"}
            with sink(broker, **fields) as porch:
                assert porch._connection.wait_connected(WAIT_S if works else 1.0) is works
                if not works:
                    with pytest.raises(SinkError, match="refused us: Not authorized"):
                        porch.deliver(event, None)
                else:
                    porch.deliver(event, None)


def test_what_the_broker_does_not_allow_is_told(tmp_path: Path) -> None:
    """MQTT 5 says so in its answer; 3.1.1 has no word for it."""
    allowed = tmp_path / "allowed"
    allowed.write_text(f"topic write {AVAILABLE}\ntopic read #\n")
    allowed.chmod(0o600)
    with (
        Mosquitto(tmp_path, ["allow_anonymous true", f"acl_file {allowed}"]) as broker,
        sink(broker) as porch,
        Listener(broker.port) as listener,
    ):
        listener.wait_for(AVAILABLE, b"online")
        with pytest.raises(SinkError, match=f"refused {BASE}/events: Not authorized") as caught:
            porch.deliver(Event(1, "tampered", "door", NOON, None, None, None), None)
    assert (caught.value.retryable, caught.value.reached) == (True, True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an authority, the broker's certificate, ours, and a stranger."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60, cwd=folder)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for authority in ("ca", "stranger"):
        openssl("req", "-x509", *key, "-keyout", f"{authority}.key", "-out", f"{authority}.pem",
                "-subj", f"/CN={authority}", "-days", "2")  # fmt: skip
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("broker", "door"):
        openssl(
            "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"
        )
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem", "-days", "2")
    return folder


# paho lets go of a socket whose handshake failed without closing it; Python closes it then
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
def test_tls_with_certificates_on_both_sides(tmp_path: Path, certificates: Path) -> None:
    lines = [
        "allow_anonymous true", "require_certificate true",
        f"cafile {certificates / 'ca.pem'}", f"certfile {certificates / 'broker.pem'}",
        f"keyfile {certificates / 'broker.key'}",
    ]  # fmt: skip
    ours = {
        "certificate_file": certificates / "door.pem", "key_file": certificates / "door.key",
    }  # fmt: skip
    event = Event(1, "pressed", "door", NOON, None, None, None)
    with Mosquitto(tmp_path, lines) as broker:
        with sink(broker, tls=True, ca_file=certificates / "ca.pem", **ours) as porch:
            assert porch._connection.wait_connected(WAIT_S), porch._connection.problem
            porch.deliver(event, None)
        with sink(broker, tls=True, ca_file=certificates / "stranger.pem", **ours) as porch:
            assert not porch._connection.wait_connected(1.0)
            with pytest.raises(SinkError, match="certificate verify failed"):
                porch.deliver(event, None)
        with sink(broker, tls=True, ca_file=certificates / "ca.pem") as porch:  # without ours
            assert not porch._connection.wait_connected(1.0)
    with pytest.raises(ConfigError, match="cannot use the certificates"):
        sink(broker, tls=True, ca_file=tmp_path / "none.pem").__enter__()
