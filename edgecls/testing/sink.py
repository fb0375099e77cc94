"""A sink that remembers what it was told, and fails when a test wants it to."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from typing_extensions import Self

from edgecls.errors import SinkError
from edgecls.types import DeviceState, Event


class FakeSink:
    """Take events and states.

    Args:    failures: what the next deliveries raise, in order; then all succeed.
    """

    def __init__(self, failures: Sequence[SinkError] = ()) -> None:
        self.failures = list(failures)
        self.delivered: list[tuple[Event, bytes | None]] = []
        self.states: list[DeviceState] = []
        self.attempts = 0
        self.is_open = False
        self.retracted = False

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.is_open = False

    def deliver(self, event: Event, snapshot: bytes | None) -> None:
        """Take an event, or fail as told."""
        self.attempts += 1
        if not self.is_open:
            raise SinkError("the fake sink is closed, expected an open one", retryable=True)
        if self.failures:
            raise self.failures.pop(0)
        self.delivered.append((event, snapshot))

    def report(self, state: DeviceState) -> None:
        self.states.append(state)

    def retract(self, timeout_s: float) -> None:
        del timeout_s
        self.retracted = True
