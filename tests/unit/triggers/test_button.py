"""The button on a GPIO pin: it rings at once, its bouncing does not, a pin that fails is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory

from edgecls.errors import BoardError
from edgecls.sections.triggers import ButtonTriggerSection
from edgecls.triggers.button import ButtonTrigger
from edgecls.types import Press


class Bell:
    """A button on a mock pin, and a clock that the test turns."""

    def __init__(self, *, pull_up: bool = True) -> None:
        self.seconds = 100.0
        self.pins = MockFactory()
        section = ButtonTriggerSection(kind="button", pin=17, debounce_ms=30, pull_up=pull_up)
        self.trigger = ButtonTrigger(section, pins=self.pins, clock=lambda: self.seconds)

    def edge(self, *, after_ms: float, high: bool) -> None:
        self.seconds += after_ms / 1000
        pin = self.pins.pin(17)
        (pin.drive_high if high else pin.drive_low)()

    def presses(self) -> int:
        count = 0
        while self.trigger.wait(0.001) is not None:
            count += 1
        return count


@pytest.fixture
def bell() -> Iterator[Bell]:
    bell = Bell()
    with bell.trigger:
        yield bell
    bell.pins.close()


def test_a_press_rings_before_the_button_is_let_go(bell: Bell) -> None:
    bell.edge(after_ms=1000, high=False)
    assert isinstance(bell.trigger.wait(0.001), Press)
    bell.edge(after_ms=500, high=True)
    assert bell.presses() == 0


def test_bouncing_contacts_are_one_press(bell: Bell) -> None:
    bell.edge(after_ms=1000, high=False)
    for _ in range(4):  # bounces as it closes
        bell.edge(after_ms=2, high=True)
        bell.edge(after_ms=2, high=False)
    for _ in range(4):  # and as it opens
        bell.edge(after_ms=400 if _ == 0 else 2, high=True)
        bell.edge(after_ms=2, high=False)
    bell.edge(after_ms=2, high=True)
    assert bell.presses() == 1


def test_two_presses_are_two(bell: Bell) -> None:
    for _ in range(2):
        bell.edge(after_ms=200, high=False)
        bell.edge(after_ms=200, high=True)
    assert bell.presses() == 2


def test_a_button_to_3_volts_rings_on_the_rising_edge() -> None:
    bell = Bell(pull_up=False)
    with bell.trigger:
        bell.edge(after_ms=200, high=True)
        assert bell.presses() == 1
        bell.edge(after_ms=200, high=False)
        assert bell.presses() == 0
    bell.pins.close()


def test_the_pin_is_given_back(bell: Bell) -> None:
    again = ButtonTrigger(ButtonTriggerSection(kind="button", pin=17), pins=bell.pins)
    with pytest.raises(BoardError, match="trigger 'button': cannot use GPIO 17: ") as caught:
        again.__enter__()
    assert "gpioinfo" in str(caught.value.hint)
    bell.trigger.close()
    with again:
        pass


class NoPins(MockFactory):
    """A machine without GPIO pins."""

    def pin(self, name: object) -> object:
        raise OSError("no GPIO chip")


def test_a_machine_without_pins_says_so() -> None:
    trigger = ButtonTrigger(ButtonTriggerSection(kind="button", pin=17), pins=NoPins())
    with pytest.raises(BoardError, match="cannot use GPIO 17: no GPIO chip"):
        trigger.__enter__()
    trigger.close()
