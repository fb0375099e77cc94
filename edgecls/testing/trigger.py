"""A doorbell button that a test presses."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType

from typing_extensions import Self

from edgecls.testing.door import NOON
from edgecls.types import Press


class FakeTrigger:
    """Ring when told. Each press is at NOON.

    Args:    name: the presses' source.
    """

    def __init__(self, name: str = "fake") -> None:
        self._name = name
        self._presses: deque[Press] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def ring(self) -> bool:
        """Press, from any thread; return False once it is closed."""
        with self._changed:
            if self._closed:
                return False
            self._presses.append(Press(NOON, self._name))
            self._changed.notify()
            return True

    def wait(self, timeout_s: float) -> Press | None:
        """Return the next press; see `ports.Trigger`."""
        with self._changed:
            self._changed.wait_for(lambda: self._presses or self._closed, timeout_s)
            return self._presses.popleft() if self._presses else None

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
