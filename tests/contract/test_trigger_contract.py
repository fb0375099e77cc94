"""What every trigger owes its listener: one suite over each row of the table, and the fake."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from edgecls import plugins
from edgecls.ports import Trigger
from edgecls.sections.triggers import (
    ButtonTriggerSection,
    HttpTriggerSection,
    MqttTriggerSection,
)
from edgecls.testing.door import NOON
from edgecls.testing.trigger import FakeTrigger
from edgecls.triggers import TRIGGERS
from edgecls.triggers.button import ButtonTrigger
from edgecls.triggers.http import HttpTrigger
from edgecls.triggers.mqtt import MqttTrigger
from edgecls.triggers.waiting import WAITING_MAX
from tests.mosquitto import Listener, Mosquitto, why_no_broker

WAIT_S = 20.0


@dataclass
class Rig:
    """A trigger, and how somebody presses it."""

    trigger: Trigger
    press: Callable[[], None]


def a_fake(tmp_path: Path) -> Iterator[Rig]:
    del tmp_path
    fake = FakeTrigger("the bell")
    yield Rig(fake, lambda: check_taken(fake.ring()))


def check_taken(taken: bool) -> None:
    assert taken


def button(tmp_path: Path) -> Iterator[Rig]:
    del tmp_path
    pins = MockFactory()
    section = ButtonTriggerSection(kind="button", name="the bell", pin=17, debounce_ms=0)

    def press() -> None:
        pins.pin(17).drive_low()
        pins.pin(17).drive_high()

    yield Rig(ButtonTrigger(section, pins=pins), press)
    pins.close()


def http(tmp_path: Path) -> Iterator[Rig]:
    del tmp_path
    trigger = HttpTrigger(HttpTriggerSection(kind="http", name="the bell"))
    yield Rig(trigger, lambda: check_taken(trigger.ring()))


def mqtt(tmp_path: Path) -> Iterator[Rig]:
    if reason := why_no_broker():
        pytest.skip(reason)
    with Mosquitto(tmp_path) as broker, Listener(broker.port, "gate/bell") as listener:
        section = MqttTriggerSection(
            kind="mqtt", name="the bell", host="127.0.0.1", port=broker.port, topic="gate/bell"
        )
        trigger = MqttTrigger(section)

        def press() -> None:
            assert trigger._connection.wait_subscribed(WAIT_S)
            listener.say("gate/bell", b"ding")

        yield Rig(trigger, press)


@pytest.fixture(params=[a_fake, button, http, mqtt])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    yield from request.param(tmp_path)


def test_every_row_is_in_this_suite() -> None:
    classes = [plugins.load("trigger", TRIGGERS, kind) for kind in TRIGGERS]
    assert classes == [ButtonTrigger, MqttTrigger, HttpTrigger]


def test_it_is_a_trigger(rig: Rig) -> None:
    assert isinstance(rig.trigger, Trigger)


def test_a_press_is_told_once_with_its_time_and_source(rig: Rig) -> None:
    with rig.trigger as trigger:
        assert trigger.wait(0.01) is None
        rig.press()
        press = trigger.wait(WAIT_S)
        assert press is not None
        assert press.source == "the bell"
        age_s = (datetime.now(timezone.utc) - press.at).total_seconds()
        assert press.at == NOON or abs(age_s) < 60
        assert trigger.wait(0.01) is None


def test_presses_wait_for_a_slow_listener(rig: Rig) -> None:
    with rig.trigger as trigger:
        for _ in range(3):
            rig.press()
        presses = [trigger.wait(WAIT_S) for _ in range(3)]
        assert None not in presses
        times = [press.at for press in presses if press is not None]
        assert times == sorted(times)


def test_a_press_before_the_end_is_told_after_it(rig: Rig) -> None:
    with rig.trigger as trigger:
        rig.press()
        assert trigger.wait(WAIT_S) is not None  # they come by now
        rig.press()
        time.sleep(0.2)  # for the broker's way
        trigger.close()
        assert trigger.wait(0.0) is not None
        assert trigger.wait(WAIT_S) is None


def test_closing_wakes_who_waits(rig: Rig) -> None:
    with rig.trigger as trigger:
        answers: list[object] = []
        waiting = threading.Thread(target=lambda: answers.append(trigger.wait(WAIT_S)))
        waiting.start()
        time.sleep(0.05)
        trigger.close()
        waiting.join(WAIT_S / 2)
        assert answers == [None]
        assert trigger.wait(WAIT_S) is None
        trigger.close()


def test_a_press_is_taken_while_it_is_open_and_not_too_many_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    trigger = HttpTrigger(HttpTriggerSection(kind="http"))
    assert not trigger.ring()
    with trigger:
        answers = [trigger.ring() for _ in range(WAITING_MAX + 2)]
        assert answers == [True] * WAITING_MAX + [False] * 2
    assert not trigger.ring()
    told = [trigger.wait(0.0) for _ in range(WAITING_MAX + 2)]
    assert told.count(None) == 2
    crowded, over = caplog.messages  # two for however many
    assert crowded == f"trigger http: a press is left out, {WAITING_MAX} wait already"
    assert over.startswith("trigger http: works again after 2 failures, the first at ")
