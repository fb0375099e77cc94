"""A button on a GPIO pin, through gpiozero."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

import gpiozero
from gpiozero.exc import BadPinFactory, GPIOZeroError
from gpiozero.pins import Factory
from typing_extensions import Self

from edgecls.errors import BoardError
from edgecls.sections.triggers import ButtonTriggerSection
from edgecls.triggers.waiting import WaitingPresses


class ButtonTrigger(WaitingPresses):
    """Ring when the contact closes, at once; what follows within debounce_ms is its bouncing.

    Args:    pins: gpiozero's pin factory; the one for this board if left out.
             clock: monotonic seconds.
    """

    def __init__(
        self,
        section: ButtonTriggerSection,
        *,
        pins: Factory | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(section.name)
        self._section = section
        self._pins = pins
        self._clock = clock
        self._button: gpiozero.Button | None = None
        self._changed_s: float | None = None

    def __enter__(self) -> Self:
        """Claim the pin. Raises: BoardError where there is none, or another program has it."""
        pin = self._section.pin
        try:
            self._button = gpiozero.Button(
                pin, pull_up=self._section.pull_up, pin_factory=self._pins
            )
        except BadPinFactory as error:
            raise BoardError(
                f"trigger {self._section.name!r}: there are no GPIO pins that can be used here",
                hint='on a board that has them: pip install "edgecls[gpio]"',
            ) from error
        except (GPIOZeroError, OSError, ValueError) as error:
            raise BoardError(
                f"trigger {self._section.name!r}: cannot use GPIO {pin}: {error}",
                hint="see with `gpioinfo` which program holds the pin",
            ) from error
        super().__enter__()
        self._button.when_pressed = self._closed_contact
        self._button.when_released = self._opened_contact
        return self

    def close(self) -> None:
        """Give the pin back. May be called twice."""
        super().close()
        if self._button is not None:
            self._button.close()
            self._button = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _closed_contact(self) -> None:
        if self._is_quiet():
            self.ring()

    def _opened_contact(self) -> None:
        self._is_quiet()

    def _is_quiet(self) -> bool:
        """Tell whether the contact has rested until this change, and remember the change."""
        now_s, before_s = self._clock(), self._changed_s
        self._changed_s = now_s
        return before_s is None or now_s - before_s >= self._section.debounce_ms / 1000
