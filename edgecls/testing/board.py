"""A board that is whatever a test says."""

from __future__ import annotations

from types import TracebackType

from typing_extensions import Self

from edgecls.types import BoardIdentity


class FakeBoard:
    """A machine without hardware.

    Args:    temperature_c, throttled: what it tells.   reboots: counts calls of `reboot`.
    """

    def __init__(
        self, *, temperature_c: float | None = 41.5, throttled: bool | None = False
    ) -> None:
        self._temperature_c = temperature_c
        self._throttled = throttled
        self.reboots = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held."""

    def identity(self) -> BoardIdentity:
        return BoardIdentity("Fake Board 1", "Test OS 1", "aarch64")

    def temperature_c(self) -> float | None:
        return self._temperature_c

    def throttled(self) -> bool | None:
        return self._throttled

    def reboot(self) -> None:
        self.reboots += 1
